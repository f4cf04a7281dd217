"""Celery's broker made of a folder, with messages that appear whole.

Kombu's own transport opens a message's file under its final name and writes it afterwards: a worker that looks in
between takes an empty message, cannot read it, and ends.
"""

import os
import time
import uuid
from pathlib import Path
from typing import Any

from kombu.exceptions import ChannelError
from kombu.transport import filesystem
from kombu.utils.json import dumps


class Channel(filesystem.Channel):
    """Kombu's channel, but a message is written under a name that nobody looks for, then renamed."""

    def _put(self, queue: Any, payload: Any, **kwargs: Any) -> None:  # type: ignore[override]
        unique = uuid.uuid4()
        unseen = Path(self.data_folder_out) / f"{unique}.part"
        try:
            unseen.write_text(dumps(payload), encoding="utf-8")  # type: ignore[no-untyped-call]
            os.rename(unseen, unseen.with_name(f"{time.monotonic_ns() // 1_000_000}_{unique}.{queue}.msg"))
        except OSError as error:
            unseen.unlink(missing_ok=True)
            raise ChannelError(f"cannot write a message to {self.data_folder_out}: {error.strerror}") from error


class Transport(filesystem.Transport):
    """What Celery's `broker_transport` names."""

    Channel = Channel
