"""Settings from the environment. A wrong one stops the start with one clear line."""

import base64
import hashlib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn
from urllib.parse import urlsplit

from shopify_app.errors import SettingError

API_VERSION = "2026-10"


@dataclass(frozen=True)
class Settings:
    """Everything the app can be told from outside; `.env.example` explains each."""

    environment: str
    api_key: str
    api_secret: str
    old_api_secret: str | None
    app_url: str
    database_url: str
    object_store_url: str
    broker_url: str
    encryption_keys: tuple[bytes, ...]
    business_clock: str
    dev_shopify_url: str | None
    var: Path
    webhooks_for: str = "app"

    @property
    def secrets(self) -> tuple[bytes, ...]:
        """Client secrets that may have signed a request: the current one first."""
        both = (self.api_secret, self.old_api_secret)
        return tuple(secret.encode() for secret in both if secret)


def secret_name(secret: str) -> str:
    """Eight characters that tell client secrets apart and say nothing about them: fit for a row and a screen."""
    return hashlib.sha256(b"foretally client secret " + secret.encode()).hexdigest()[:8]


def load(environ: Mapping[str, str] = os.environ) -> Settings:
    """Read and check all settings. Raises SettingError, one line, naming the variable and an example."""
    var = Path(environ.get("FORETALLY_VAR", "var")).resolve()
    environment = _one_of(environ, "ENVIRONMENT", ("production", "development"), "production")
    return Settings(
        environment=environment,
        api_key=_required(environ, "SHOPIFY_API_KEY", "the client id from the Dev Dashboard"),
        api_secret=_required(environ, "SHOPIFY_API_SECRET", "the client secret from the Dev Dashboard"),
        old_api_secret=environ.get("SHOPIFY_OLD_API_SECRET") or None,
        app_url=_url(environ, "APP_URL", "https://foretally.example.com", environment),
        database_url=_database(environ, var),
        object_store_url=_object_store(environ, var),
        broker_url=_broker(environ),
        encryption_keys=_encryption_keys(environ, var),
        business_clock=_one_of(environ, "BUSINESS_CLOCK", ("wall", "data"), "wall"),
        dev_shopify_url=_dev_shopify(environ, environment),
        var=var,
        webhooks_for=_one_of(environ, "WEBHOOKS_FOR", ("app", "shop"), "app"),
    )


def database_url(value: str, name: str = "DATABASE_URL") -> str:
    """The address of a database as SQLAlchemy wants it. Raises SettingError, which calls it by `name`."""
    if value.startswith(("postgres://", "postgresql://")):
        value = "postgresql+psycopg://" + value.split("://", 1)[1]
    if not value.startswith(("sqlite:///", "postgresql+psycopg://")):
        _stop(name, f"is {_shown(value)!r}, which is neither SQLite nor PostgreSQL", "postgresql://user@host/foretally")
    if value in ("sqlite:///", "sqlite:///:memory:"):
        _stop(name, f"is {value!r}, which names no file", "sqlite:////var/lib/foretally/foretally.db")
    return value


def _stop(name: str, problem: str, example: str) -> NoReturn:
    raise SettingError(f"{name} {problem}. Example: {name}={example}")


def _shown(address: str) -> str:
    """An address that may be logged: without the name and password in it."""
    return re.sub(r"(?<=://).*@", "…@", address)


def _required(environ: Mapping[str, str], name: str, what: str) -> str:
    value = environ.get(name, "").strip()
    if not value:
        _stop(name, f"is not set: it is {what}", "0123456789abcdef0123456789abcdef")
    return value


def _one_of(environ: Mapping[str, str], name: str, allowed: tuple[str, ...], default: str) -> str:
    value = environ.get(name) or default
    if value not in allowed:
        _stop(name, f"is {value!r}, which is none of {', '.join(allowed)}", default)
    return value


def _url(environ: Mapping[str, str], name: str, example: str, environment: str) -> str:
    value = environ.get(name, "").rstrip("/")
    parts = urlsplit(value)
    if not value:
        _stop(name, "is not set: it is the public address of this app", example)
    if parts.scheme not in ("https", "http") or not parts.hostname or parts.path:
        _stop(name, f"is {value!r}, which is no origin", example)
    if parts.scheme == "http" and environment == "production":
        _stop(name, f"is {value!r}, but Shopify only opens https in production", example)
    return value


def _database(environ: Mapping[str, str], var: Path) -> str:
    return database_url(environ.get("DATABASE_URL") or f"sqlite:///{var / 'foretally.db'}")


def _object_store(environ: Mapping[str, str], var: Path) -> str:
    value = environ.get("OBJECT_STORE_URL") or f"file://{var / 'objects'}"
    if not re.fullmatch(r"file:///.+|(s3|gs)://[a-z0-9][a-z0-9._-]{1,61}[a-z0-9](/[\w.-]+)*/?", value):
        known = "neither a folder (file:///path) nor a bucket (s3://bucket/prefix, gs://bucket/prefix)"
        _stop("OBJECT_STORE_URL", f"is {_shown(value)!r}, which is {known}", "s3://example-bucket/foretally")
    return value


def _broker(environ: Mapping[str, str]) -> str:
    value = environ.get("CELERY_BROKER_URL") or "filesystem://"
    if not value.startswith(("filesystem://", "redis://", "rediss://", "amqp://", "amqps://")):
        _stop("CELERY_BROKER_URL", f"is {_shown(value)!r}, which is no broker known here", "redis://localhost:6379/0")
    return value


def _dev_shopify(environ: Mapping[str, str], environment: str) -> str | None:
    value = environ.get("DEV_SHOPIFY_URL")
    if not value:
        return None
    if environment != "development":
        _stop("DEV_SHOPIFY_URL", "is set, but it is only for ENVIRONMENT=development", "(leave it out)")
    return _url(environ, "DEV_SHOPIFY_URL", "http://localhost:8801", environment)


def _encryption_keys(environ: Mapping[str, str], var: Path) -> tuple[bytes, ...]:
    text = environ.get("ENCRYPTION_KEYS") or _kept_key(var / "encryption.key")
    keys = []
    for part in text.split(","):
        try:
            key = base64.urlsafe_b64decode(part.strip())
        except ValueError:
            key = b""
        if len(key) != 32:
            _stop(
                "ENCRYPTION_KEYS",
                "holds a key that is not 32 bytes in base64",
                base64.urlsafe_b64encode(b"x" * 32).decode(),
            )
        keys.append(key)
    return tuple(keys)


def _kept_key(path: Path) -> str:
    """The key of an embedded installation, made at the first start and kept beside its data."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(handle, "w") as file:
                file.write(base64.urlsafe_b64encode(os.urandom(32)).decode())
        except OSError:
            path.unlink()  # a full disk; what is left of the key would stop every later start
            raise
    except FileExistsError:
        pass
    except OSError as error:
        raise SettingError(
            f"FORETALLY_VAR: cannot write to {path.parent}: {error.strerror}. Example: FORETALLY_VAR=var"
        ) from error
    return path.read_text()
