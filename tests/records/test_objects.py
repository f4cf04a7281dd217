"""Objects are named by their bytes, kept once, and never half written, in a folder as in a bucket."""

import hashlib
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from shopify_app.errors import DamagedBundle, NotFound, ObjectsUnavailable
from shopify_app.records.bucket import BucketObjects
from shopify_app.records.folder import FolderObjects
from shopify_app.records.objects import Objects, key_of
from tests import buckets

HELLO = hashlib.sha256(b"hello").hexdigest()
CLOUD = ("AWS_", "GOOGLE_")


@dataclass
class Kept:
    """A store, and ways to harm what it holds behind its back."""

    objects: Objects
    flip: Callable[[str], None]
    age: Callable[[str, timedelta], None]


@pytest.fixture(scope="module")
def robot_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture
def clean(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """No credentials but those that a test gives."""
    for name in list(os.environ):
        if name.startswith(CLOUD):
            monkeypatch.delenv(name)
    return monkeypatch


@pytest.fixture
def s3(clean: pytest.MonkeyPatch) -> Iterator[buckets.Bucket]:
    with buckets.serving(buckets.S3) as (bucket, address):
        for name, value in buckets.s3_environment(address).items():
            clean.setenv(name, value)
        yield bucket


@pytest.fixture
def gcs(clean: pytest.MonkeyPatch, robot_key: rsa.RSAPrivateKey, tmp_path: Path) -> Iterator[buckets.Bucket]:
    with buckets.serving(buckets.CloudStorage, public_key=robot_key.public_key()) as (bucket, address):
        (tmp_path / "robot.json").write_text(buckets.robot_file(robot_key))
        clean.setenv("GOOGLE_BASE_URL", address)
        clean.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "robot.json"))
        yield bucket


@pytest.fixture(params=["folder", "s3", "gs"])
def kept(request: pytest.FixtureRequest, tmp_path: Path) -> Kept:
    """Every kind of store keeps the same promises."""
    if request.param == "folder":
        folder = FolderObjects(tmp_path / "objects")
        return Kept(folder, lambda name: flip(folder.path(name)), lambda name, by: age(folder.path(name), by))
    bucket = request.getfixturevalue("s3" if request.param == "s3" else "gcs")
    return Kept(in_bucket(request.param, tmp_path), bucket.flip, bucket.age)


@pytest.fixture
def objects(kept: Kept) -> Objects:
    return kept.objects


def in_bucket(scheme: str, tmp_path: Path) -> BucketObjects:
    return BucketObjects(f"{scheme}://{buckets.BUCKET}/some/prefix", tmp_path / "cache")


def flip(path: Path) -> None:
    path.chmod(0o644)
    content = path.read_bytes()
    path.write_bytes(bytes([content[0] ^ 1]) + content[1:])


def age(path: Path, by: timedelta) -> None:
    earlier = path.stat().st_mtime - by.total_seconds()
    os.utime(path, (earlier, earlier))


def test_bytes_come_back_under_their_hash(objects: Objects, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"hello")
    assert objects.put(b"hello") == HELLO == objects.put(tmp_path / "file")
    assert (
        objects.read(HELLO) == b"hello" == objects.path(HELLO).read_bytes() == objects.checked_path(HELLO).read_bytes()
    )
    assert list(objects.list()) == [HELLO]
    assert objects.verify(HELLO)
    objects.check()


def test_another_machine_reads_what_was_put(objects: Objects, tmp_path: Path) -> None:
    objects.put(b"hello")
    if isinstance(objects, BucketObjects):
        objects = BucketObjects(objects.url, tmp_path / "elsewhere")
    assert objects.read(HELLO) == b"hello"


def test_long_listings_come_whole(objects: Objects) -> None:
    names = {objects.put(f"object {number}".encode()) for number in range(3 * buckets.PAGE + 1)}
    assert sorted(objects.list()) == sorted(names)


def test_what_is_not_there_is_not_found(objects: Objects) -> None:
    for name in ("0" * 64, "../../etc/passwd", ""):
        with pytest.raises(NotFound):
            objects.path(name)
        with pytest.raises(NotFound):
            objects.read(name)
    assert not objects.verify("0" * 64)


def test_one_flipped_bit_is_found_by_name_and_never_read(kept: Kept, tmp_path: Path) -> None:
    name = kept.objects.put(b"hello")
    kept.flip(name)
    assert not kept.objects.verify(name)
    if isinstance(kept.objects, BucketObjects):
        kept.objects = BucketObjects(kept.objects.url, tmp_path / "elsewhere")
    for read in (kept.objects.read, kept.objects.checked_path):
        with pytest.raises(DamagedBundle, match=name):
            read(name)


def test_deleting_twice_is_fine(objects: Objects) -> None:
    name = objects.put(b"hello")
    assert objects.delete(name)
    assert not objects.delete(name)
    assert list(objects.list()) == []
    with pytest.raises(NotFound):
        objects.path(name)


def test_putting_again_makes_an_object_young_so_that_no_collector_takes_it(kept: Kept) -> None:
    name, long_ago = kept.objects.put(b"hello"), datetime.now(UTC) - timedelta(days=1)
    kept.age(name, timedelta(days=3))
    assert [entry.put_at < long_ago for entry in kept.objects.entries()] == [True]
    kept.objects.put(b"hello")
    assert not kept.objects.delete(name, put_before=long_ago)
    assert kept.objects.read(name) == b"hello"
    kept.age(name, timedelta(days=3))
    assert kept.objects.delete(name, put_before=long_ago)


def test_many_who_put_the_same_bytes_keep_one_whole_object(objects: Objects) -> None:
    content = b"x" * 300_000
    threads = [threading.Thread(target=objects.put, args=(content,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [objects.read(name) for name in objects.list()] == [content]


def test_a_killed_put_leaves_nothing_that_anybody_sees(objects: Objects, tmp_path: Path) -> None:
    """Kill -9 at five moments of many puts: every object that shows is whole."""
    address = objects.url if isinstance(objects, BucketObjects) else str(tmp_path / "objects")
    for moment in range(5):
        child = subprocess.Popen([sys.executable, "-c", PUT_WITHOUT_END, address, str(tmp_path / "child")])
        deadline = time.monotonic() + 20
        while not (tmp_path / "child-started").exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(0.03 * moment)
        child.kill()
        child.wait()
        (tmp_path / "child-started").unlink()
    names = list(objects.list())
    assert names
    assert [name for name in names if not objects.verify(name)] == []


PUT_WITHOUT_END = """
import os, pathlib, sys
from shopify_app.records.bucket import BucketObjects
from shopify_app.records.folder import FolderObjects
address, cache = sys.argv[1:]
objects = BucketObjects(address, pathlib.Path(cache)) if "://" in address else FolderObjects(pathlib.Path(address))
objects.put(b"first")
pathlib.Path(cache + "-started").touch()
while True:
    objects.put(os.urandom(3_000_000))
"""


def test_what_a_killed_put_left_behind_is_tidied_away_after_a_while(tmp_path: Path) -> None:
    objects = FolderObjects(tmp_path / "objects")
    half = objects.folder / "incoming" / "half"
    half.write_bytes(b"hel")
    objects.tidy(datetime.now(UTC) - timedelta(hours=1))
    assert half.exists()
    objects.tidy(datetime.now(UTC) + timedelta(seconds=1))
    assert not half.exists()


def test_a_full_disk_is_said_in_one_line_and_leaves_nothing(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PUT_ON_A_FULL_DISK, str(tmp_path / "objects")], capture_output=True, text=True
    )
    assert "ObjectsUnavailable: the object store" in done.stderr
    assert "File too large" in done.stderr
    folder = FolderObjects(tmp_path / "objects")
    assert list(folder.list()) == [HELLO]
    assert list((folder.folder / "incoming").iterdir()) == []


PUT_ON_A_FULL_DISK = """
import pathlib, resource, signal, sys
from shopify_app.records.folder import FolderObjects
objects = FolderObjects(pathlib.Path(sys.argv[1]))
objects.put(b"hello")
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))
objects.put(bytes(5_000_000))
"""


def test_a_file_that_changes_while_it_is_put_is_refused(tmp_path: Path) -> None:
    objects = FolderObjects(tmp_path / "objects")
    with pytest.raises(DamagedBundle):
        objects.receive(HELLO, [b"hel", b"p"])
    assert list(objects.list()) == []
    assert list((objects.folder / "incoming").iterdir()) == []


@pytest.fixture(params=["s3", "gs"])
def remote(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[buckets.Bucket, BucketObjects]:
    bucket: buckets.Bucket = request.getfixturevalue("s3" if request.param == "s3" else "gcs")
    return bucket, in_bucket(request.param, tmp_path)


def test_a_bucket_is_laid_out_like_a_folder(remote: tuple[buckets.Bucket, BucketObjects]) -> None:
    bucket, objects = remote
    objects.put(b"hello")
    assert list(bucket.objects) == [f"some/prefix/{HELLO[:2]}/{HELLO}"]


def test_a_second_put_sends_no_second_copy(remote: tuple[buckets.Bucket, BucketObjects]) -> None:
    bucket, objects = remote
    objects.put(b"hello")
    before = bucket.objects[bucket.key(HELLO)]
    objects.put(b"hello")
    assert bucket.objects[bucket.key(HELLO)] is before


def test_what_was_read_once_is_read_from_this_machine(remote: tuple[buckets.Bucket, BucketObjects]) -> None:
    bucket, objects = remote
    objects.put(b"hello")
    bucket.asked.clear()
    assert objects.read(HELLO) == b"hello"
    assert bucket.asked == []


def test_a_damaged_copy_on_this_machine_is_fetched_again(
    remote: tuple[buckets.Bucket, BucketObjects], tmp_path: Path
) -> None:
    _, objects = remote
    objects.put(b"hello")
    flip(tmp_path / "cache" / key_of(HELLO))
    assert objects.read(HELLO) == b"hello"
    flip(tmp_path / "cache" / key_of(HELLO))
    assert objects.checked_path(HELLO).read_bytes() == b"hello"


def test_copies_that_nobody_looked_at_lately_are_let_go_of(
    remote: tuple[buckets.Bucket, BucketObjects], tmp_path: Path
) -> None:
    _, objects = remote
    old, new = objects.put(b"old"), objects.put(b"hello")
    for name in (old, new):
        age(tmp_path / "cache" / key_of(name), timedelta(days=5))
    objects.path(new)
    objects.tidy(datetime.now(UTC) - timedelta(days=2))
    assert list(FolderObjects(tmp_path / "cache").list()) == [new]
    assert objects.read(old) == b"old"


def test_a_stumbling_bucket_is_asked_again(remote: tuple[buckets.Bucket, BucketObjects]) -> None:
    bucket, objects = remote
    bucket.refuse += [503, 500]
    objects.put(b"hello")
    assert objects.verify(HELLO)


def test_an_answer_that_breaks_off_is_never_kept(remote: tuple[buckets.Bucket, BucketObjects], tmp_path: Path) -> None:
    bucket, objects = remote
    name = objects.put(b"x" * 100_000)
    other = BucketObjects(objects.url, tmp_path / "elsewhere")
    bucket.cut += [1000] * 20
    with pytest.raises(ObjectsUnavailable):
        other.path(name)
    assert list(FolderObjects(tmp_path / "elsewhere").list()) == []
    bucket.cut.clear()
    assert other.read(name) == b"x" * 100_000


def test_wrong_credentials_are_said_in_one_line(
    remote: tuple[buckets.Bucket, BucketObjects], clean: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    bucket, objects = remote
    clean.setenv("AWS_SECRET_ACCESS_KEY", "another")
    stranger = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    (tmp_path / "robot.json").write_text(buckets.robot_file(stranger))
    for ask in (objects.check, lambda: objects.put(b"hello")):
        with pytest.raises(ObjectsUnavailable, match=f"^{objects.url} ") as refused:
            ask()
        assert "\n" not in str(refused.value)
        assert "another" not in str(refused.value)
    assert bucket.objects == {}


def test_a_bucket_that_is_not_there_is_said_in_one_line(s3: buckets.Bucket, tmp_path: Path) -> None:
    with pytest.raises((ObjectsUnavailable, NotFound)) as missing:
        BucketObjects("s3://another-bucket/x", tmp_path / "cache").check()
    assert "s3://another-bucket/x" in str(missing.value)
    assert "\n" not in str(missing.value)


def test_a_request_that_was_changed_on_its_way_is_turned_away_by_the_signature(
    s3: buckets.Bucket, clean: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The server of these tests is worth something: it lets in neither another region nor another key."""
    objects = in_bucket("s3", tmp_path)
    objects.put(b"hello")
    for name, value in (("AWS_REGION", "us-east-1"), ("AWS_ACCESS_KEY_ID", "AKIAOTHER")):
        clean.setenv(name, value)
        with pytest.raises(ObjectsUnavailable):
            in_bucket("s3", tmp_path).check()
    assert list(s3.objects)
