"""Log lines: one per decision, with ids and numbers as fields; what must stay secret is struck out by name."""

import logging
import sys
from typing import Any

import structlog

SECRET = frozenset(
    {
        *("access_token", "refresh_token", "client_secret", "subject_token", "id_token", "authorization"),
        *("api_secret", "old_api_secret", "encryption_keys", "hmac", "signature"),
        *("body", "email", "phone", "customer", "customer_id"),
    }
)
STRUCK = "[struck out]"

log: structlog.stdlib.BoundLogger = structlog.get_logger("foretally")


def configure(as_json: bool, level: int = logging.INFO) -> None:
    """Write JSON lines (production) or readable ones (development) to standard error."""
    shape: Any = structlog.processors.JSONRenderer() if as_json else structlog.dev.ConsoleRenderer(colors=False)
    trace: list[Any] = [structlog.processors.format_exc_info] if as_json else []
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            strike_out,
            *trace,
            shape,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),
        cache_logger_on_first_use=False,
    )


def strike_out(_logger: Any, _method: str, line: Any) -> Any:
    """Replace what must not be read in a log, however it got there."""
    for name in SECRET & line.keys():
        line[name] = STRUCK
    return line
