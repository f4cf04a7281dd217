"""python -m bench [NAME …] [ORDERS=file.parquet]: run measurements by name, all of them without one."""

import json
import sys
from importlib import import_module
from inspect import signature
from pathlib import Path

from bench import Missing

BENCHES = ("draining", "forecast", "intake", "loop", "recommend", "reorder", "serving", "storage", "storefront")
"""Modules of this package with a `measure`. Only those asked for are imported: some want packages that others cannot
stand, such as an older pandas."""


def main(names: list[str]) -> int:
    """Run the named measurements and print what they found. 2 for an unknown name, 1 when one lacks what it needs.

    NAME=value goes to those that take it: `orders` is a file of real order lines.
    """
    options = {key.lower(): value for key, _, value in (name.partition("=") for name in names if "=" in name)}
    names = [name for name in names if "=" not in name]
    unknown = [name for name in names if name not in BENCHES]
    if unknown:
        print(f"bench: there is no {unknown[0]!r}; known: {', '.join(BENCHES)}", file=sys.stderr)
        return 2
    out, failed = Path("var/bench"), 0
    out.mkdir(parents=True, exist_ok=True)
    for name in names or BENCHES:
        measure = import_module(f"bench.{name}").measure
        taken = signature(measure).parameters
        try:
            found = measure(**{key: value for key, value in options.items() if key in taken})
        except Missing as what:
            print(f"bench {name}: not measured, this is missing: {what}", file=sys.stderr)
            failed = 1
            continue
        (out / f"{name}.json").write_text(json.dumps(found, indent=2) + "\n")
        print(json.dumps({name: found}, indent=2))
    return failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
