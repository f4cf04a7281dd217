"""A wrong setting stops the start with one line that names the variable, the problem and an example."""

import base64
import resource
from pathlib import Path

import pytest

from shopify_app import config
from shopify_app.errors import SettingError


def environ(var: Path, **changes: str) -> dict[str, str]:
    """A complete set of settings for an embedded installation."""
    whole = {
        "SHOPIFY_API_KEY": "key",
        "SHOPIFY_API_SECRET": "secret",
        "APP_URL": "https://app.example.com",
        "FORETALLY_VAR": str(var),
    }
    return whole | changes


def test_three_settings_are_enough(tmp_path: Path) -> None:
    settings = config.load(environ(tmp_path))
    assert settings.database_url == f"sqlite:///{tmp_path}/foretally.db"
    assert settings.object_store_url == f"file://{tmp_path}/objects"
    assert settings.business_clock == "wall"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SHOPIFY_API_KEY", ""),
        ("SHOPIFY_API_SECRET", " "),
        ("APP_URL", ""),
        ("APP_URL", "app.example.com"),
        ("APP_URL", "http://app.example.com"),
        ("APP_URL", "https://app.example.com/app"),
        ("DATABASE_URL", "mysql://localhost/foretally"),
        ("OBJECT_STORE_URL", "ftp://host/folder"),
        ("OBJECT_STORE_URL", "file://objects"),
        ("OBJECT_STORE_URL", "s3://"),
        ("OBJECT_STORE_URL", "s3://Bucket_/x"),
        ("OBJECT_STORE_URL", "s3://bucket/a b"),
        ("OBJECT_STORE_URL", "s3://key:secret@bucket/x"),
        ("OBJECT_STORE_URL", "gs:/bucket"),
        ("CELERY_BROKER_URL", "kafka://host"),
        ("BUSINESS_CLOCK", "sundial"),
        ("ENVIRONMENT", "staging"),
        ("ENCRYPTION_KEYS", "short"),
        ("ENCRYPTION_KEYS", "ümlaut"),
        ("DEV_SHOPIFY_URL", "http://localhost:8801"),
    ],
)
def test_a_wrong_setting_is_named_with_an_example(tmp_path: Path, name: str, value: str) -> None:
    with pytest.raises(SettingError) as stopped:
        config.load(environ(tmp_path, **{name: value}))
    text = str(stopped.value)
    assert text.startswith(f"{name} ")
    assert f"Example: {name}=" in text
    assert "\n" not in text


def test_a_secret_is_never_in_the_message(tmp_path: Path) -> None:
    with pytest.raises(SettingError) as stopped:
        config.load(environ(tmp_path, ENCRYPTION_KEYS="not-a-key-but-private"))
    assert "private" not in str(stopped.value)


@pytest.mark.parametrize("name", ["DATABASE_URL", "OBJECT_STORE_URL", "CELERY_BROKER_URL"])
def test_a_password_in_an_address_is_never_in_the_message(tmp_path: Path, name: str) -> None:
    with pytest.raises(SettingError) as stopped:
        config.load(environ(tmp_path, **{name: "other://shop:pri/v@te@db.example.com/foretally"}))
    assert "pri" not in str(stopped.value)
    assert "te@" not in str(stopped.value)
    assert "db.example.com" in str(stopped.value)


def test_a_disk_that_is_full_leaves_no_half_key(tmp_path: Path) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, before[1]))
    try:
        with pytest.raises(SettingError, match="FORETALLY_VAR: cannot write"):
            config.load(environ(tmp_path))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert config.load(environ(tmp_path)).encryption_keys


def test_a_folder_that_cannot_be_written_is_said_clearly(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    with pytest.raises(SettingError, match="FORETALLY_VAR: cannot write"):
        config.load(environ(blocked / "var"))


def test_the_key_of_an_embedded_installation_is_made_once(tmp_path: Path) -> None:
    first, second = (config.load(environ(tmp_path)) for _ in range(2))
    assert first.encryption_keys == second.encryption_keys
    assert (tmp_path / "encryption.key").stat().st_mode & 0o077 == 0


def test_several_keys_keep_their_order(tmp_path: Path) -> None:
    keys = [bytes([n]) * 32 for n in (1, 2)]
    text = ",".join(base64.urlsafe_b64encode(key).decode() for key in keys)
    assert config.load(environ(tmp_path, ENCRYPTION_KEYS=text)).encryption_keys == tuple(keys)


def test_postgres_addresses_find_their_driver(tmp_path: Path) -> None:
    settings = config.load(environ(tmp_path, DATABASE_URL="postgres://root@localhost/x"))
    assert settings.database_url == "postgresql+psycopg://root@localhost/x"


def test_the_old_secret_counts_while_it_is_set(tmp_path: Path) -> None:
    settings = config.load(environ(tmp_path, SHOPIFY_OLD_API_SECRET="older"))
    assert settings.secrets == (b"secret", b"older")
