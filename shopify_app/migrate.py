"""Bring the database to this release."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory

ROOT = Path(__file__).resolve().parent.parent


def to_head(url: str) -> str:
    """Run every migration the database has not seen. Returns the revision it is at; a second call does nothing."""
    settings = Config(str(ROOT / "alembic.ini"))
    settings.attributes["url"] = url
    command.upgrade(settings, "head")
    return ScriptDirectory.from_config(settings).get_current_head() or ""
