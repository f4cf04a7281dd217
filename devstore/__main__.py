"""`python -m devstore`."""

import sys

from devstore.cli import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
