"""A connection to PostgreSQL by ADBC: statements, answers, rows to append, and its errors.

Transactions are begun and ended by statements: the driver's own refuse every statement after an
error, also a rollback to try again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any, NoReturn

import pyarrow as pa

from pipelines.export.engines.address import PostgresAddress
from schemas.errors import OperationError, require_module
from schemas.sql_text import literal

_MAX_NAME_BYTES = 63
# Columns that every table of PostgreSQL has.
_SYSTEM_COLUMNS = ("tableoid", "xmin", "cmin", "xmax", "cmax", "ctid")
_PRIVILEGE = "42501"


class Server:
    """A connection; errors of the driver are raised as `OperationError`, without data."""

    def __init__(self, address: PostgresAddress) -> None:
        self._address = address
        self.shown = address.shown
        driver, manager = (
            require_module(name, extra="postgres", place=self.shown)
            for name in ("adbc_driver_postgresql.dbapi", "adbc_driver_manager")
        )
        self._failure: type[Exception] = manager.Error
        try:
            self._con = driver.connect(address.uri, autocommit=True)
        except self._failure as error:
            action = "Check the address, and the password in PGPASSWORD or ~/.pgpass."
            raise OperationError(self.shown, self._sentence(error), action) from None
        self._cursor = self._con.cursor()
        self.run("set standard_conforming_strings = on")

    def close(self) -> None:
        with suppress(self._failure):
            self._cursor.close()
        with suppress(self._failure):
            self._con.close()

    def run(self, statement: str) -> None:
        try:
            self._cursor.execute(statement)
        except self._failure as error:
            self._refuse(error)

    def run_block(self, statements: Iterable[str]) -> None:
        """Run statements in one message to the server."""
        block = "; ".join(statements)
        self.run(f"do {literal(f'begin {block}; end')}")

    def ask(self, query: str, *parameters: str) -> list[tuple[Any, ...]]:
        try:
            self._cursor.execute(query, parameters)
            return self._cursor.fetchall()
        except self._failure as error:
            self._refuse(error)

    def append(self, table: str, rows: pa.RecordBatchReader, *, schema: str) -> int:
        """Append rows to a table by `copy`; returns their number.

        Raises `OperationError` when the server does not take one of them.
        """
        try:
            return self._cursor.adbc_ingest(table, rows, mode="append", db_schema_name=schema)
        except self._failure as error:
            # Messages about rows have their values.
            code = getattr(error, "sqlstate", None) or "no code"
            found = f"does not take the rows of {table} ({code})"
            action = "The log of the server has the reason; the former generation stays."
            raise OperationError(self.shown, found, action) from None

    def roll_back(self) -> None:
        with suppress(self._failure):
            self._cursor.execute("rollback")

    def attempt(self, step: Callable[[], None], *, unless: tuple[str, ...]) -> str | None:
        """Do a step; returns the code of the error that stopped it, if it is one of `unless`."""
        try:
            step()
        except RefusedError as error:
            if error.code not in unless:
                raise
            return error.code
        return None

    def _refuse(self, error: Exception) -> NoReturn:
        code = getattr(error, "sqlstate", None) or ""
        action = "The former generation stays. Publish again when this is settled."
        if code == _PRIVILEGE:
            action = (
                "Grant it to the user of the address: it must be allowed to create schemas in the "
                "database, and own the schema that is there."
            )
        raise RefusedError(self.shown, self._sentence(error), action, code=code) from None

    def _sentence(self, error: Exception) -> str:
        """What the server or the driver says first, without the password and the statement."""
        details = dict(getattr(error, "details", None) or [])
        said = details.get(b"PG_DIAG_MESSAGE_PRIMARY", b"").decode(errors="replace")
        text = said or str(error).partition("Failed to connect: ")[2] or str(error)
        return self._address.without_secrets(text.strip().splitlines()[0].rstrip("."))


class RefusedError(OperationError):
    """The operator must act: the server refused a statement; `code` is its SQLSTATE."""

    def __init__(self, place: str, found: str, action: str, *, code: str) -> None:
        self.code = code
        super().__init__(place, found, action)


def connect(address: PostgresAddress) -> Server:
    """A connection; raises `OperationError` when the driver is not installed or cannot connect."""
    return Server(address)


def server_name(name: str) -> str:
    """The name of a table or column there: at most 63 bytes, none of a system column.

    A longer name is cut, and ends in six digits of its hash.
    """
    if name.lower() in _SYSTEM_COLUMNS:
        return f"{name}_"
    written = name.encode()
    if len(written) <= _MAX_NAME_BYTES:
        return name
    digest = hashlib.sha256(written).hexdigest()[:6]
    kept = written[: _MAX_NAME_BYTES - 7].decode(errors="ignore")
    return f"{kept}_{digest}"
