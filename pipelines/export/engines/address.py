"""Addresses of copies: `delta://DIR`, `delta+s3://BUCKET/PREFIX` and PostgreSQL's."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import SplitResult, parse_qsl, quote, unquote, urlencode, urlsplit, urlunsplit

from pipelines.settings import Settings
from schemas.errors import OperationError

_DELTA = "delta"
_DELTA_STORE = "delta+s3"
_POSTGRES = ("postgres", "postgresql")
_ALLOWED = (
    "Give delta://DIR, delta+s3://BUCKET/PREFIX or postgres://user@host/database?schema=NAME."
)
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
# Of names that mean the same in an address, a path and a request.
_OBJECTS = re.compile(r"[A-Za-z0-9_=-][A-Za-z0-9._=-]*(/[A-Za-z0-9_=-][A-Za-z0-9._=-]*)*")
_SCHEMA = re.compile(r"(?!pg_)[a-z_][a-z0-9_]{0,39}")
# Schemas that are not for one program alone.
_SHARED_SCHEMAS = ("public", "information_schema")
_DEFAULT_SCHEMA = "leadtime"
# Values of a URI that libpq takes as secrets.
_SECRETS = ("password", "sslpassword")


@dataclass(frozen=True)
class DeltaAddress:
    """A folder that has a Delta table for every published table."""

    folder: Path

    @property
    def shown(self) -> str:
        return f"{_DELTA}://{self.folder}"

    @property
    def name(self) -> str:
        """A name for it among others, without characters that Dagster does not take."""
        return f"{_DELTA}_{_plain(self.folder.absolute().name)}"


@dataclass(frozen=True)
class DeltaStoreAddress:
    """A prefix in a bucket of an object store that has a Delta table for every published table."""

    bucket: str
    prefix: str

    @property
    def shown(self) -> str:
        return f"delta+{self.uri}"

    @property
    def uri(self) -> str:
        """The address as readers of Delta tables have it."""
        return f"s3://{self.bucket}/{self.prefix}"

    @property
    def name(self) -> str:
        """A name for it among others, without characters that Dagster does not take."""
        return f"{_DELTA}_s3_{_plain(self.prefix.rpartition('/')[2])}"


@dataclass(frozen=True)
class PostgresAddress:
    """A schema of a PostgreSQL database; `uri` is what libpq connects to, maybe with a password."""

    uri: str = field(repr=False)
    schema: str

    @property
    def shown(self) -> str:
        """The address without passwords and options."""
        parts = urlsplit(self.uri)
        user, at, hosts = parts.netloc.rpartition("@")
        place = f"{user.partition(':')[0]}{at}{hosts}{parts.path}"
        return f"{_POSTGRES[0]}://{place}?schema={self.schema}"

    @property
    def name(self) -> str:
        """A name for it among others, without characters that Dagster does not take."""
        return f"{_POSTGRES[0]}_{self.schema}"

    def without_secrets(self, text: str) -> str:
        """A message of the driver without the passwords of the address."""
        parts = urlsplit(self.uri)
        written = parts.netloc.rpartition("@")[0].partition(":")[2]
        found = [value for name, value in parse_qsl(parts.query) if name in _SECRETS]
        for secret in (written, unquote(written), *found):
            text = text.replace(secret, "***") if secret else text
        return text


Address = DeltaAddress | DeltaStoreAddress | PostgresAddress


def parse_address(text: str, *, place: str = "--to") -> Address:
    """The address in a text, which the setting or option `place` has.

    Raises `OperationError`, which shows no password, when it is none.
    """
    scheme, separator, rest = text.partition("://")
    if separator and scheme == _DELTA and rest:
        return DeltaAddress(Path(unquote(rest)))
    if separator and scheme == _DELTA_STORE:
        return _parse_store(rest, place)
    if separator and scheme in _POSTGRES:
        return _parse_postgres(text, place)
    # Whatever else was written there may have a password.
    found = f"{scheme}://..." if separator and scheme.isalnum() else "a text of another form"
    raise OperationError(place, f"found {found}", _ALLOWED)


def addresses_of(settings: Settings) -> list[Address]:
    """The addresses of LEADTIME_PUBLISH_TO, in order; raises `OperationError` when one is none."""
    return [parse_address(text, place=_SETTING) for text in settings.publish_to.split()]


_SETTING = "LEADTIME_PUBLISH_TO"


def _parse_store(rest: str, place: str) -> DeltaStoreAddress:
    bucket, _, prefix = rest.partition("/")
    prefix = prefix.rstrip("/")
    if not _BUCKET.fullmatch(bucket) or not _OBJECTS.fullmatch(prefix):
        # What was found is not shown: a key may have been written there.
        action = (
            "Give delta+s3://BUCKET/PREFIX, with a prefix of letters, digits and `._=-/` for "
            "leadtime alone; credentials belong into AWS_ACCESS_KEY_ID and its like."
        )
        raise OperationError(place, "an address of an object store of another form", action)
    return DeltaStoreAddress(bucket, prefix)


def _parse_postgres(text: str, place: str) -> PostgresAddress:
    try:
        parts = urlsplit(text)
        options = parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query))
    except ValueError:
        parts, options = SplitResult("", "", "", "", ""), []
    if not parts.scheme or parts.fragment or not parts.path.strip("/"):
        action = f"{_ALLOWED} Other characters in names and passwords are percent-encoded."
        raise OperationError(place, "an address of PostgreSQL that has no database", action)
    schema = dict(options).get("schema", _DEFAULT_SCHEMA)
    if not _SCHEMA.fullmatch(schema) or schema in _SHARED_SCHEMAS:
        action = (
            "Name a schema for leadtime alone: up to 40 small letters, digits and `_`, not "
            f"beginning with `pg_` ({_DEFAULT_SCHEMA})."
        )
        raise OperationError(place, f"found the schema {schema!r}", action)
    others = urlencode([pair for pair in options if pair[0] != "schema"], quote_via=quote)
    return PostgresAddress(urlunsplit(parts._replace(query=others)), schema)


def _plain(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9]+", "_", name).strip("_") or "tables"
