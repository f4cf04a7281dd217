"""The admin page that frames the app, and our stand-ins for App Bridge and the s-* components."""

from devstore.admin.pages import blueprint

__all__ = ["blueprint"]
