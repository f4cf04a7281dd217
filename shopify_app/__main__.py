"""python -m shopify_app."""

import sys

from shopify_app.cli import main

if __name__ == "__main__":
    sys.exit(main())
