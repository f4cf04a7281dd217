"""Objects are named by their bytes, kept once, and never half written."""

import hashlib
import threading
from pathlib import Path

import pytest

from shopify_app.errors import DamagedBundle, NotFound
from shopify_app.records.objects import Objects


@pytest.fixture
def objects(tmp_path: Path) -> Objects:
    return Objects(tmp_path / "objects")


def test_bytes_come_back_under_their_hash(objects: Objects, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"hello")
    name = objects.put(b"hello")
    assert name == hashlib.sha256(b"hello").hexdigest() == objects.put(tmp_path / "file")
    assert objects.read(name) == b"hello"
    assert list(objects.list()) == [name]
    assert objects.verify(name)


def test_what_is_not_there_is_not_found(objects: Objects) -> None:
    for name in ("0" * 64, "../../etc/passwd", "", "A" * 64):
        with pytest.raises(NotFound):
            objects.path(name)


def test_a_damaged_object_is_not_read(objects: Objects) -> None:
    name = objects.put(b"hello")
    objects.path(name).chmod(0o644)
    objects.path(name).write_bytes(b"hullo")
    assert not objects.verify(name)
    with pytest.raises(DamagedBundle):
        objects.read(name)


def test_deleting_twice_is_fine(objects: Objects) -> None:
    name = objects.put(b"hello")
    objects.delete(name)
    objects.delete(name)
    assert list(objects.list()) == []


def test_many_who_put_the_same_bytes_keep_one_whole_file(objects: Objects) -> None:
    content = b"x" * 300_000
    threads = [threading.Thread(target=objects.put, args=(content,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [objects.read(name) for name in objects.list()] == [content]
    assert list((objects.folder / "incoming").iterdir()) == []
