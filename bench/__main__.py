"""python -m bench [NAME …]: run measurements by name, all of them without one."""

import json
import sys
from pathlib import Path

from bench import loop

BENCHES = {"loop": loop.measure}


def main(names: list[str]) -> int:
    """Run the named measurements and print what they found. 2 for an unknown name."""
    unknown = [name for name in names if name not in BENCHES]
    if unknown:
        print(f"bench: there is no {unknown[0]!r}; known: {', '.join(BENCHES)}", file=sys.stderr)
        return 2
    out = Path("var/bench")
    out.mkdir(parents=True, exist_ok=True)
    for name in names or BENCHES:
        found = BENCHES[name]()
        (out / f"{name}.json").write_text(json.dumps(found, indent=2) + "\n")
        print(json.dumps({name: found}, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
