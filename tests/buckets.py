"""S3 and Google Cloud Storage over localhost, as far as an object store needs them, and no more trusting than they are.

Written from the vendors' protocol pages, not from our client: signatures are computed anew from the request's bytes.
"""

import hashlib
import hmac
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar
from urllib.parse import parse_qsl, quote, unquote, urlsplit
from xml.etree import ElementTree

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

KEY_ID, SECRET, REGION, BUCKET = "AKIAEXAMPLE", "example/secret+key", "eu-central-1", "example-bucket"
ROBOT = "robot@example.iam.gserviceaccount.com"
PAGE = 3
"""Names in one page of a listing: few, so that every test pages."""


@dataclass
class Stored:
    """One object in the bucket."""

    body: bytes
    put_at: datetime


@dataclass
class Bucket:
    """What is in the bucket, and what goes wrong next."""

    objects: dict[str, Stored] = field(default_factory=dict)
    refuse: list[int] = field(default_factory=list)
    """Statuses of the next answers, instead of doing what was asked."""
    cut: list[int] = field(default_factory=list)
    """The next answers to a GET end after so many bytes of the body."""
    asked: list[str] = field(default_factory=list)
    """Every request that was let in: method and key."""
    lock: threading.Lock = field(default_factory=threading.Lock)

    def age(self, name: str, by: timedelta) -> None:
        """Let an object have been put earlier."""
        self.objects[self.key(name)].put_at -= by

    def flip(self, name: str) -> None:
        """Turn one bit of an object over."""
        found = self.objects[self.key(name)]
        found.body = bytes([found.body[0] ^ 1]) + found.body[1:]

    def key(self, name: str) -> str:
        """The key that ends with this name."""
        return next(key for key in self.objects if key.endswith(name))


class Door(BaseHTTPRequestHandler):
    """What S3 and the XML API of Cloud Storage have in common."""

    protocol_version = "HTTP/1.1"
    bucket: ClassVar[Bucket]

    def log_message(self, *_: object) -> None:
        """Tests are quiet."""

    missing_status = 204

    def allowed(self, body: bytes) -> bool:
        """Whether the request is signed by whom it says."""
        raise NotImplementedError

    def only_if_absent(self) -> bool:
        """Whether an object that is there must stay as it is."""
        raise NotImplementedError

    def do_PUT(self) -> None:
        self._let_in(self._put)

    def do_GET(self) -> None:
        self._let_in(self._get)

    do_HEAD = do_GET

    def do_DELETE(self) -> None:
        self._let_in(self._delete)

    def do_POST(self) -> None:
        self._let_in(self._delete_many)

    def _let_in(self, act: Callable[[str, bytes], None]) -> None:
        """Do it, for whoever may, unless the test wants trouble."""
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        bucket, _, key = unquote(urlsplit(self.path).path).lstrip("/").partition("/")
        if len(body) < length:  # the caller died: what came of its object never shows
            self.close_connection = True
        elif not self.allowed(body):
            self._answer(403, _error("SignatureDoesNotMatch"))
        elif self.bucket.refuse:
            self._answer(self.bucket.refuse.pop(0), _error("InternalError"))
        elif bucket != BUCKET:
            self._answer(404, _error("NoSuchBucket"))
        else:
            self.bucket.asked.append(f"{self.command} {key}")
            act(key, body)

    def _put(self, key: str, body: bytes) -> None:
        with self.bucket.lock:
            refused = self.only_if_absent() and key in self.bucket.objects
            if not refused:
                self.bucket.objects[key] = Stored(body, datetime.now(UTC))
        if refused:
            self._answer(412, _error("PreconditionFailed"))
        else:
            self._answer(200, headers={"ETag": _tag(body)})

    def _get(self, key: str, _body: bytes) -> None:
        found = self.bucket.objects.get(key)
        if not key:
            self._list()
        elif found is None:
            self._answer(404, _error("NoSuchKey"))
        else:
            about = {"ETag": _tag(found.body), "Last-Modified": format_datetime(found.put_at, True)}
            self._answer(200, found.body, about)

    def _delete(self, key: str, _body: bytes) -> None:
        self._answer(204 if self.bucket.objects.pop(key, None) else self.missing_status)

    def _delete_many(self, _key: str, body: bytes) -> None:
        """S3's way to delete: it wants the body's digest, and what is gone already is no error."""
        if not {"content-md5", "x-amz-checksum-sha256"} & {name.lower() for name in self.headers}:
            self._answer(400, _error("InvalidRequest"))
            return
        named = [node.text or "" for node in ElementTree.fromstring(body).iter() if node.tag.endswith("Key")]
        for key in named:
            self.bucket.objects.pop(key, None)
        deleted = "".join(f"<Deleted><Key>{key}</Key></Deleted>" for key in named)
        self._answer(200, f"<DeleteResult>{deleted}</DeleteResult>".encode())

    def _list(self) -> None:
        asked = dict(parse_qsl(urlsplit(self.path).query))
        names = sorted(key for key in self.bucket.objects if key.startswith(asked.get("prefix", "")))
        names = [key for key in names if key > asked.get("continuation-token", "")]
        rows = "".join(_row(key, self.bucket.objects[key]) for key in names[:PAGE])
        more = len(names) > PAGE
        token = f"<NextContinuationToken>{names[PAGE - 1]}</NextContinuationToken>" if more else ""
        told = f"<IsTruncated>{str(more).lower()}</IsTruncated>{token}"
        self._answer(200, f"<ListBucketResult>{rows}{told}</ListBucketResult>".encode())

    def _answer(self, status: int, body: bytes = b"", headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {**(headers or {}), "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "HEAD":
            return
        if self.command == "GET" and status == 200 and headers and self.bucket.cut:
            body, self.close_connection = body[: self.bucket.cut.pop(0)], True
        self.wfile.write(body)


class S3(Door):
    """Amazon's signature version 4, over the whole body."""

    def allowed(self, body: bytes) -> bool:
        told = self.headers.get("Authorization", "")
        if not told.startswith("AWS4-HMAC-SHA256 "):
            return False
        parts = dict(part.strip().split("=", 1) for part in told.split(" ", 1)[1].split(","))
        key_id, day, region, service, _ = parts["Credential"].split("/")
        at = datetime.strptime(self.headers["x-amz-date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        is_fresh = abs(datetime.now(UTC) - at) < timedelta(minutes=15) and f"{at:%Y%m%d}" == day
        is_whole = self.headers["x-amz-content-sha256"] == hashlib.sha256(body).hexdigest()
        is_ours = (key_id, region, service) == (KEY_ID, REGION, "s3")
        signed = self._signature(parts["SignedHeaders"], f"{day}/{region}/{service}/aws4_request")
        return is_fresh and is_whole and is_ours and hmac.compare_digest(signed, parts["Signature"])

    def _signature(self, signed_headers: str, scope: str) -> str:
        address = urlsplit(self.path)
        query = sorted(parse_qsl(address.query, keep_blank_values=True))
        request = [
            *(self.command, address.path),
            "&".join(f"{quote(name, safe='-_.~')}={quote(value, safe='-_.~')}" for name, value in query),
            *(f"{name}:{(self.headers[name] or '').strip()}" for name in signed_headers.split(";")),
            *("", signed_headers, self.headers["x-amz-content-sha256"]),
        ]
        hashed = hashlib.sha256("\n".join(request).encode()).hexdigest()
        text = "\n".join(["AWS4-HMAC-SHA256", self.headers["x-amz-date"], scope, hashed])
        key = f"AWS4{SECRET}".encode()
        for part in scope.split("/"):
            key = hmac.digest(key, part.encode(), "sha256")
        return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()

    def only_if_absent(self) -> bool:
        return self.headers.get("If-None-Match") == "*"


class CloudStorage(Door):
    """Google's XML API; the bearer is a token that the service account signed itself."""

    missing_status = 404
    public_key: ClassVar[rsa.RSAPublicKey]

    def allowed(self, body: bytes) -> bool:
        bearer = self.headers.get("Authorization", "").removeprefix("Bearer ")
        try:
            claims = jwt.decode(bearer, self.public_key, ["RS256"], options={"verify_aud": False})
        except jwt.PyJWTError:
            return False
        return bool(claims["iss"] == ROBOT and claims["exp"] - time.time() <= 3700)

    def only_if_absent(self) -> bool:
        return self.headers.get("x-goog-if-generation-match") == "0"


@contextmanager
def serving(door: type[Door], **more: object) -> Iterator[tuple[Bucket, str]]:
    """A server on a port of its own for one empty bucket, and its address."""
    bucket = Bucket()
    kind = type(door.__name__, (door,), {"bucket": bucket, **more})
    server = ThreadingHTTPServer(("127.0.0.1", 0), kind)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield bucket, f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def s3_environment(address: str) -> dict[str, str]:
    """What a machine that may use the bucket has in its environment."""
    return {
        "AWS_ACCESS_KEY_ID": KEY_ID,
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_REGION": REGION,
        "AWS_ENDPOINT_URL": address,
    }


def robot_file(key: rsa.RSAPrivateKey) -> str:
    """The contents of a service account's key file."""
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    return json.dumps(
        {
            "type": "service_account",
            "client_email": ROBOT,
            "private_key_id": "1",
            "private_key": pem,
        }
    )


def _tag(body: bytes) -> str:
    return f'"{hashlib.md5(body, usedforsecurity=False).hexdigest()}"'


def _error(code: str) -> bytes:
    return f"<Error><Code>{code}</Code><Message>{code}</Message></Error>".encode()


def _row(key: str, found: Stored) -> str:
    put_at = f"{found.put_at:%Y-%m-%dT%H:%M:%S}.{found.put_at.microsecond // 1000:03}Z"
    tag, size = _tag(found.body).strip('"'), len(found.body)
    about = f"<LastModified>{put_at}</LastModified><ETag>{tag}</ETag><Size>{size}</Size>"
    return f"<Contents><Key>{key}</Key>{about}</Contents>"
