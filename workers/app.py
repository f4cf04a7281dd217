"""The Celery app: three doorbells, two queues, one heartbeat."""

import logging

from celery import Celery
from celery.signals import setup_logging

from shopify_app import config
from shopify_app.log import configure
from shopify_app.nudge import broker

DESK, TRAINING = "desk", "training"
QUEUES = (DESK, TRAINING)
"""desk: quick work that shoppers and merchants wait for; training: long work, one process, one thread."""

HEARTBEAT_SECONDS = 5.0


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
        task_routes={"foretally.train": {"queue": TRAINING}},
        beat_schedule={"heartbeat": {"task": "foretally.tick", "schedule": HEARTBEAT_SECONDS}},
        beat_scheduler="celery.beat:Scheduler",  # a kill leaves the file of the default one half-written
        timezone="UTC",
    )
    return app


app = make_app(config.load())


@setup_logging.connect
def _log_our_way(**_: object) -> None:
    """Celery's own lines as they are, ours as in the web process."""
    logging.basicConfig(level=logging.WARNING)
    configure(as_json=config.load().environment == "production")
