"""The Celery app: five doorbells, two queues, one heartbeat."""

import logging
from typing import Any

from celery import Celery
from celery.beat import EmbeddedService
from celery.bootsteps import StartStopStep
from celery.signals import setup_logging
from click import Option

from shopify_app import config
from shopify_app.log import configure
from shopify_app.nudge import broker

DESK, TRAINING = "desk", "training"
QUEUES = (DESK, TRAINING)
"""desk: quick work that shoppers and merchants wait for; training: long work, one process, one thread."""

HEARTBEAT_SECONDS = 5.0


class Heartbeat(StartStopStep):  # type: ignore[misc]
    """`--heartbeat`: the worker beats in a thread. Celery's own `-B` is a process of 80 MB that may die unseen."""

    conditional = True

    def __init__(self, worker: Any, heartbeat: bool = False, **options: Any) -> None:
        self.enabled = heartbeat
        super().__init__(worker, **options)

    def create(self, worker: Any) -> Any:
        """What is started and stopped with the worker."""
        return EmbeddedService(worker.app, thread=True, scheduler_cls=worker.app.conf.beat_scheduler)


def make_app(settings: config.Settings) -> Celery:
    """The Celery app on the settings' broker. Results are rows, so Celery keeps none."""
    app = Celery("foretally", include=["workers.tasks"])
    app.conf.update(
        broker(settings),
        broker_connection_retry_on_startup=True,
        task_ignore_result=True,
        task_acks_late=False,
        worker_prefetch_multiplier=1,
        worker_hijack_root_logger=False,
        worker_max_memory_per_child=900_000,
        task_default_queue=DESK,
        task_routes={f"foretally.{name}": {"queue": TRAINING} for name in ("train", "collect")},
        beat_schedule={"heartbeat": {"task": "foretally.tick", "schedule": HEARTBEAT_SECONDS}},
        beat_scheduler="celery.beat:Scheduler",  # a kill leaves the file of the default one half-written
        timezone="UTC",
    )
    app.user_options["worker"].add(Option(("--heartbeat",), is_flag=True, help="beat in a thread of this worker"))
    app.steps["worker"].add(Heartbeat)
    return app


app = make_app(config.load())


@setup_logging.connect
def _log_our_way(**_: object) -> None:
    """Celery's own lines as they are, ours as in the web process."""
    logging.basicConfig(level=logging.WARNING)
    configure(as_json=config.load().environment == "production")
