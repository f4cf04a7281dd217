"""The story's book: what was counted, and which links of the chain did not hold."""

import json
import resource
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

SENT = ("orders_sent", "deliveries", "duplicates_sent", "out_of_order", "failed")


@dataclass
class Book:
    """Figures as they go into story.json."""

    started: float = field(default_factory=time.monotonic)
    figures: dict[str, Any] = field(default_factory=lambda: dict.fromkeys(SENT, 0))
    missing: list[str] = field(default_factory=list)

    @property
    def seconds(self) -> float:
        """Real seconds since the beginning."""
        return time.monotonic() - self.started

    def add(self, step: dict[str, Any]) -> None:
        """Add up what the shop says it has sent in a step."""
        for name in SENT:
            self.figures[name] += int(step.get(name, 0))

    def need(self, held: object, link: str) -> None:
        """Note a link of the chain that does not hold."""
        if not held:
            self.missing.append(link)

    def close(self, path: Path) -> int:
        """Write the figures, print them, and say what is missing. The exit code: 0, or 1 when a link is missing."""
        used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
        self.figures |= {
            "wall_seconds": round(self.seconds, 1),
            "cpu_seconds": round(sum(u.ru_utime + u.ru_stime for u in used), 1),
            "missing_links": self.missing,
        }
        text = json.dumps(self.figures, indent=2, default=str)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n")
        print(text)
        if self.missing:
            print(f"story: missing: {'; '.join(self.missing)}", file=sys.stderr)
        return 1 if self.missing else 0
