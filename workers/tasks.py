"""The doorbells: each drains the rows that wait, whatever woke it; jobs of the desk in turns, which ring again."""

from celery import Task

from shopify_app.nudge import RUNG_AT
from workers import deliver, housekeeping, ingest, memory, run
from workers.app import app
from workers.context import context


@app.task(name="foretally.ingest")
def drain_inbox() -> None:
    """Turn accepted deliveries into rows."""
    ingest.drain(context())


@app.task(name="foretally.deliver")
def drain_outbox() -> None:
    """Tell Shopify what it must be told."""
    deliver.drain(context())


@app.task(name="foretally.work", bind=True)
def work(task: Task) -> None:
    """Run the desk's jobs for a moment."""
    run.take_turn(context(), task.request.get(RUNG_AT))


@app.task(name="foretally.train")
def train() -> None:
    """Run the training jobs."""
    run.drain(context(), run.TRAINING_JOBS)


@app.task(name="foretally.collect")
def collect() -> None:
    """Remove what nobody needs any more, if nobody did today."""
    housekeeping.collect(context())
    memory.give_back()


@app.task(name="foretally.tick")
def tick() -> None:
    """The heartbeat: ring for everything that waits, and do what is due."""
    housekeeping.tick(context())
