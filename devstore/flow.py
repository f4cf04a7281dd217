"""A tiny Shopify Flow: when a trigger arrives, the workflows that begin with it call their action in the app."""

import json
import threading
import uuid
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from devstore.config import Workflow
from devstore.manifest import FlowExtension
from devstore.postman import Postman
from devstore.signing import sign_body
from devstore.webhooks import address

if TYPE_CHECKING:
    from devstore.shop import Shop

TIMEOUT = 10.0
MOST_ATTEMPTS = 12
MOST_PAYLOAD_BYTES = 50_000
FIRST_WAIT = 0.25
"""Seconds before the first retry; each wait is twice as long. Flow goes on for 36 hours, this for about a quarter."""
LONGEST_WAIT = 60.0

CONVERT: dict[str, Callable[[Any], Any]] = {
    "boolean": lambda value: value if isinstance(value, bool) else str(value).lower() == "true",
    "number_integer": lambda value: int(float(value)),
    "number_decimal": str,
}
"""How a property reaches an action, by the type that the action's toml declares; other types as text."""


class TriggerRefused(ValueError):
    """Flow does not accept this trigger."""


class FlowEngine:
    """The workflows of one shop. Runs start at once, in threads of their own."""

    def __init__(self, shop: "Shop") -> None:
        self._shop = shop
        self._threads = ThreadPoolExecutor(4, thread_name_prefix=f"flow-{shop.handle}")
        self._stopping = threading.Event()

    def receive(self, handle: str, payload: Mapping[str, Any]) -> None:
        """Start every workflow that begins with this trigger. Raises TriggerRefused."""
        self._check(handle, payload)
        workflows = [] if self._shop.faults.plan.flow_off else self._shop.app.workflows
        started = [one for one in workflows if one.trigger == handle]
        self._shop.traffic.record("flow", trigger=handle, payload=dict(payload), workflows=len(started))
        for one in started:
            self._threads.submit(self._run, one, dict(payload))

    def stop(self) -> None:
        """Give up waiting runs and end."""
        self._stopping.set()
        self._threads.shutdown(wait=True, cancel_futures=True)

    def _check(self, handle: str, payload: Mapping[str, Any]) -> None:
        triggers = {one.handle: one for one in self._shop.manifest.flow.values() if one.kind == "flow_trigger"}
        if triggers and handle not in triggers:
            raise TriggerRefused(f"Errors validating schema:\n  Invalid handle '{handle}'.")
        if len(json.dumps(payload)) > MOST_PAYLOAD_BYTES:
            raise TriggerRefused("Errors validating schema:\n  Properties size exceeds the limit.")
        unknown = sorted(set(payload) - set(triggers[handle].fields)) if triggers else []
        if unknown:
            raise TriggerRefused(f"Errors validating schema:\n  Unknown properties: {', '.join(unknown)}.")

    def _run(self, workflow: Workflow, payload: dict[str, Any]) -> None:
        entry = self._shop.traffic.record(
            "flow", trigger=workflow.trigger, action=workflow.action, action_run_id=str(uuid.uuid4()), statuses=[]
        )
        try:
            if not workflow.condition(payload):
                entry["outcome"] = "condition not met"
                return
            entry["properties"] = self._properties(workflow, payload)
            entry["outcome"] = self._call(workflow.action, entry)
        except Exception as error:
            # The top of a thread: without this line a broken workflow would vanish without a word.
            entry["outcome"] = f"error: {error!r}"

    def _properties(self, workflow: Workflow, payload: Mapping[str, Any]) -> dict[str, Any]:
        action = self._action(workflow.action)
        missing = [key for key in workflow.properties.values() if key not in payload]
        if missing:
            raise KeyError(f"the trigger's payload lacks {', '.join(missing)}")
        return {
            name: CONVERT.get(action.fields.get(name, ""), str)(payload[key])
            for name, key in workflow.properties.items()
        }

    def _action(self, handle: str) -> FlowExtension:
        declared = self._shop.manifest.flow.get(handle)
        return declared or FlowExtension(handle, "flow_action", {}, runtime_url=f"/flow/{handle}")

    def _call(self, handle: str, entry: dict[str, Any]) -> str:
        body = self._body(handle, entry)
        url = address(self._action(handle).runtime_url or f"/flow/{handle}", self._shop.app.app_url)
        postman = Postman()
        try:
            for attempt in range(MOST_ATTEMPTS):
                status, headers, answer = postman.send(url, body, self._headers(body), TIMEOUT)
                entry["statuses"].append(status)
                entry["answer"] = answer[:2000].decode(errors="replace")
                outcome = judge(status)
                if outcome:
                    return outcome
                if self._stopping.wait(pause(attempt, status, headers)):
                    return "dev store stopped"
            return "gave up"
        finally:
            postman.close()

    def _body(self, handle: str, entry: Mapping[str, Any]) -> bytes:
        shop = self._shop
        content = {
            "shop_id": str(shop.shop_id),
            "shopify_domain": shop.domain,
            "action_run_id": entry["action_run_id"],
            "action_definition_id": handle,
            "handle": handle,
            "properties": entry["properties"],
            "step_reference": str(uuid.uuid4()),
        }
        return json.dumps(content).encode()

    def _headers(self, body: bytes) -> dict[str, str]:
        return {
            "Content-Type": "application/json",
            "User-Agent": "Shopify-Flow",
            "X-Shopify-Shop-Domain": self._shop.domain,
            "X-Shopify-Hmac-Sha256": sign_body(self._shop.app.signing_secret, body),
        }


def judge(status: int) -> str | None:
    """What an answer means for the run; None means: ask again with the same run id."""
    if status == 200:
        return "done"
    if 400 <= status < 500 and status != 429:
        return "failed"
    return None


def pause(attempt: int, status: int, headers: Mapping[str, str]) -> float:
    """Seconds until the next attempt; 429 may name them."""
    if status == 429 and headers.get("retry-after", "").isdigit():
        return float(headers["retry-after"])
    return min(FIRST_WAIT * 2.0**attempt, LONGEST_WAIT)
