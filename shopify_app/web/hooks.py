"""Check a webhook, have it stored, and say what to answer, with or without Flask. The body is not parsed."""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from time import perf_counter
from typing import NamedTuple

from shopify_app import metrics
from shopify_app.errors import Refused
from shopify_app.log import log
from shopify_app.nudge import nudge
from shopify_app.platform import verify
from shopify_app.platform.callers import Webhook
from shopify_app.records.accepting import Outcome
from shopify_app.web.acceptance import Acceptance, Busy


class Reply(NamedTuple):
    """Status, text and headers of an answer."""

    status: int
    text: str = ""
    headers: tuple[tuple[str, str], ...] = ()


TAKEN = Reply(200)
LATER = Reply(503, "try again", (("retry-after", "5"),))


Tell = Callable[[Reply], None]


class Hooks:
    """Answers webhooks: `take` waits for the commit, `take_soon` calls back after it."""

    def __init__(self, secrets: Sequence[bytes], acceptance: Acceptance) -> None:
        self._secrets = secrets
        self._acceptance = acceptance
        self._brought: deque[tuple[Tell, Webhook, float, Outcome | Busy]] = deque()
        self._is_rung = False
        self._outcomes = {outcome: metrics.webhooks.labels(outcome.value) for outcome in Outcome}

    def take(self, headers: Mapping[str, str], body: bytes) -> Reply:
        """200 once the delivery is stored or was before; 4xx for a bad signature; 503 when it cannot be stored."""
        started = perf_counter()
        try:
            hook = verify.webhook(headers, body, self._secrets)
            return self._taken(hook, self._acceptance.accept(hook), started)
        except (Refused, Busy) as no:
            return turned_away(no)

    def take_soon(self, headers: Mapping[str, str], body: bytes, loop: asyncio.AbstractEventLoop, tell: Tell) -> None:
        """`take` without waiting: `tell` is called with the reply, in this event loop.

        It is not called when the database takes longer than PATIENCE.
        """
        started = perf_counter()
        try:
            hook = verify.webhook(headers, body, self._secrets)
            self._acceptance.submit(hook, lambda found: self._bring(loop, (tell, hook, started, found)))
        except (Refused, Busy) as no:
            tell(turned_away(no))

    def _bring(self, loop: asyncio.AbstractEventLoop, what: tuple[Tell, Webhook, float, Outcome | Busy]) -> None:
        """Pass an outcome from the database's thread to the event loop; the deliveries of one commit wake it once."""
        self._brought.append(what)
        if not self._is_rung:
            self._is_rung = True
            loop.call_soon_threadsafe(self._hand_out)

    def _hand_out(self) -> None:
        self._is_rung = False
        while self._brought:
            tell, hook, started, found = self._brought.popleft()
            tell(turned_away(found) if isinstance(found, Busy) else self._taken(hook, found, started))

    def _taken(self, hook: Webhook, outcome: Outcome, started: float) -> Reply:
        metrics.webhook_seconds.observe(perf_counter() - started)
        self._outcomes[outcome].inc()
        if outcome is Outcome.ACCEPTED:
            nudge("ingest")
        elif outcome is Outcome.QUARANTINED:
            log.warning("a delivery was quarantined", shop=hook.shop, topic=hook.topic, webhook_id=hook.webhook_id)
        return TAKEN


def turned_away(no: Refused | Busy) -> Reply:
    """The answer to a delivery that was not stored."""
    if isinstance(no, Busy):
        metrics.webhooks.labels("busy").inc()
        log.warning("a delivery was not taken", reason=str(no))
        return LATER
    metrics.webhooks.labels("refused").inc()
    return Reply(no.status, no.code)
