"""What is counted and timed. Labels come from closed lists and never name a shop: their number stays bounded."""

from prometheus_client import Counter, Histogram

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)

webhooks = Counter("foretally_webhooks_total", "Webhook deliveries by what became of them", ["outcome"])
webhook_seconds = Histogram(
    "foretally_webhook_seconds", "From the whole body of a delivery to its being stored", buckets=SECONDS
)
answers = Counter("foretally_answers_total", "Requests for recommendations by what became of them", ["outcome"])
answer_seconds = Histogram("foretally_answer_seconds", "Time to recommend", buckets=SECONDS)
views = Counter("foretally_views_total", "Events of web pixels by what became of them", ["outcome"])
flow_actions = Counter("foretally_flow_actions_total", "Flow actions by handle and outcome", ["handle", "outcome"])
refused = Counter("foretally_refused_total", "Requests that a door turned away", ["door"])
events = Counter("foretally_events_total", "Events drained from the inbox by what became of them", ["outcome"])
tokens_refreshed = Counter("foretally_tokens_refreshed_total", "Token refreshes by outcome", ["outcome"])
signed_with = Counter("foretally_signed_with_total", "Verified requests by door and client secret", ["door", "secret"])
counts_checked = Counter(
    "foretally_counts_checked_total", "Counts beside all orders, every night, by outcome", ["outcome"]
)


def opened(door: str, secret_used: int) -> None:
    """Note which client secret opened a door, so that a rotation can be watched."""
    signed_with.labels(door, "old" if secret_used else "current").inc()
