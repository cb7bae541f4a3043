"""Addresses of copies: what they mean, what is refused, and that no password is shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.export.engines.address import (
    Address,
    DeltaAddress,
    DeltaStoreAddress,
    PostgresAddress,
    addresses_of,
    parse_address,
)
from pipelines.settings import Settings, from_environment
from schemas.errors import OperationError


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("delta:///srv/tables", DeltaAddress(Path("/srv/tables"))),
        ("delta://exports/a%20b", DeltaAddress(Path("exports/a b"))),
        ("delta+s3://my.bucket/crm/x=1/", DeltaStoreAddress("my.bucket", "crm/x=1")),
        ("postgres://u@h/db", PostgresAddress("postgres://u@h/db", "leadtime")),
        ("postgresql://u@h:5/db?schema=x1", PostgresAddress("postgresql://u@h:5/db", "x1")),
        (
            "postgres://h1:1,h2:2/db?sslmode=require&schema=x&options=-c%20a%3Db",
            PostgresAddress("postgres://h1:1,h2:2/db?sslmode=require&options=-c%20a%3Db", "x"),
        ),
        (
            "postgres://u@/db?host=/run/postgresql",
            PostgresAddress("postgres://u@/db?host=%2Frun%2Fpostgresql", "leadtime"),
        ),
    ],
)
def test_an_address_is_a_folder_a_prefix_or_a_schema(text: str, address: Address) -> None:
    assert parse_address(text) == address


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("/srv/tables", "found a text of another form"),
        ("delta://", "found delta://..."),
        ("mysql://u:secret@h/db", "found mysql://..."),
        ("u:secret@h://db", "found a text of another form"),
        ("delta+s3://bucket", "an address of an object store of another form"),
        ("delta+s3://key:secret@bucket/crm", "an address of an object store of another form"),
        ("delta+s3://bucket/a/../b", "an address of an object store of another form"),
        ("delta+s3://bucket/a?key=secret", "an address of an object store of another form"),
        ("delta+gs://bucket/a", "found a text of another form"),
        ("postgres://u:secret@h", "an address of PostgreSQL that has no database"),
        ("postgres://u:secret@[h/db", "an address of PostgreSQL that has no database"),
        ("postgres://u:secret@h/db?schema=public", "found the schema 'public'"),
        ("postgres://u:secret@h/db?schema=pg_x", "found the schema 'pg_x'"),
        ("postgres://u:secret@h/db?schema=", "found the schema ''"),
        ('postgres://u:secret@h/db?schema=a"b', "found the schema 'a\"b'"),
    ],
)
def test_others_are_refused_without_their_secret(text: str, found: str) -> None:
    with pytest.raises(OperationError) as raised:
        parse_address(text)
    assert str(raised.value).startswith(f"--to: {found}. ")
    assert "secret" not in str(raised.value)


def test_a_password_is_never_shown() -> None:
    uri = "postgres://u:s%65cret@h:5432/db?password=secret&sslpassword=other&schema=x"
    address = parse_address(uri)
    assert isinstance(address, PostgresAddress)
    assert address.shown == "postgres://u@h:5432/db?schema=x"
    assert address.name == "postgres_x"
    assert repr(address) == "PostgresAddress(schema='x')"
    assert address.without_secrets("s%65cret, secret, other") == "***, ***, ***"
    assert "secret" not in repr(Settings(publish_to=uri))


def test_the_setting_has_several_addresses(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A relative folder counts from where the process was started: Dagster changes its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LEADTIME_PUBLISH_TO", "delta://tables  postgres://u@h/db")
    first, second = addresses_of(from_environment())
    assert first == DeltaAddress(tmp_path / "tables")
    assert first.name == "delta_tables"
    assert second == PostgresAddress("postgres://u@h/db", "leadtime")
    monkeypatch.setenv("LEADTIME_PUBLISH_TO", "tables")
    with pytest.raises(OperationError, match="LEADTIME_PUBLISH_TO: found a text of another form"):
        addresses_of(from_environment())
