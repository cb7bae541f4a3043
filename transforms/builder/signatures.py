"""What each stored table was built from, so that a build leaves alone what it would make again."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import cached_property
from io import BytesIO

import duckdb
import polars as pl

from schemas.definitions.procedure import Procedures
from transforms.builder.fingerprints import (
    ENGINE_VERSION,
    Fingerprints,
    digest,
    fingerprint_procedures,
    fingerprint_raw,
)
from transforms.builder.tables import RAW_RELATIONS, Key, Table, upstreams

_AS_OF = re.compile(r"\bas_of\b")


class Signatures:
    """The signatures of the tables of one build, and those that the stored tables were built with.

    A signature covers the SQL of a table, the macros it calls, the rows of `config` and the state
    of the raw tables that it reads, the instant of the build if it reads that, and the signatures
    of the tables it reads; a history table gets a new one when its rows change. Tables of one
    signature have the same rows. The history must have been refreshed before one is asked for.
    """

    def __init__(
        self,
        con: duckdb.DuckDBPyConnection,
        tables: Mapping[Key, Table],
        procedures: Procedures,
        config: Mapping[str, pl.DataFrame],
        *,
        as_of: datetime,
        time_zone: str,
        catalog: str,
    ) -> None:
        self._con = con
        self._tables = tables
        self._procedures = procedures
        self._config = config
        self._fingerprints = Fingerprints(tables, config)
        self._as_of = as_of.isoformat()
        self._time_zone = time_zone
        self._catalog = catalog
        self._known: dict[Key, str] = {}
        self._digests: dict[str, str] = {}

    def is_current(self, table: Table) -> bool:
        """Whether a build would make the rows that are stored."""
        return self._stored.get(table.key) == self._of(table)

    def keep(self, table: Table) -> None:
        """Store the signature of a table; in one transaction with its rows."""
        store_signature(self._con, self._catalog, table, self._of(table))

    def _of(self, table: Table) -> str:
        if table.key not in self._known:
            if table.layer == "history" and table.kind == "table":
                self._known[table.key] = self._stored.get(table.key, "")
            else:
                self._known[table.key] = digest(*self._parts(table))
        return self._known[table.key]

    def _parts(self, table: Table) -> Iterator[str]:
        code = re.sub(r"--.*", "", table.sql)
        yield from (ENGINE_VERSION, code, *self._fingerprints.macros_called(code))
        if table.kind == "computed table":
            yield self._definitions
        for name in table.reads:
            if name in self._config:
                yield self._of_config(name)
            elif name in RAW_RELATIONS:
                yield self._raw
            elif name == "build":
                yield self._time_zone
                if table.kind == "computed table" or _AS_OF.search(code):
                    yield self._as_of
        for key in upstreams(self._tables, table):
            yield self._of(self._tables[key])

    def _of_config(self, name: str) -> str:
        if name not in self._digests:
            rows = BytesIO()
            self._config[name].write_ipc(rows)
            self._digests[name] = digest(rows.getvalue().hex())
        return self._digests[name]

    @cached_property
    def _definitions(self) -> str:
        return fingerprint_procedures(self._procedures)

    @cached_property
    def _raw(self) -> str:
        return fingerprint_raw(self._con)

    @cached_property
    def _stored(self) -> dict[Key, str]:
        """The signatures of the tables that are there."""
        query = f"""
            select s.layer, s.name, s.signature
            from {self._catalog}.history.signatures as s
            inner join duckdb_tables() as t
                on t.database_name = $catalog
                and t.schema_name = if(s.layer = 'step', 'core', s.layer)
                and t.table_name = s.name
        """
        rows = self._con.execute(query, {"catalog": self._catalog}).fetchall()
        return {(layer, name): signature for layer, name, signature in rows}


def create_signatures(con: duckdb.DuckDBPyConnection, catalog: str) -> None:
    """Make the table of signatures where it is missing."""
    con.execute(
        f"create table if not exists {catalog}.history.signatures "
        "(layer varchar, name varchar, signature varchar)"
    )


def store_signature(
    con: duckdb.DuckDBPyConnection, catalog: str, table: Table, signature: str
) -> None:
    """Replace the stored signature of a table."""
    key = {"layer": table.layer, "name": table.name}
    place = f"{catalog}.history.signatures"
    con.execute(f"delete from {place} where layer = $layer and name = $name", key)
    con.execute(
        f"insert into {place} values ($layer, $name, $signature)", {**key, "signature": signature}
    )


def change_signature(con: duckdb.DuckDBPyConnection, catalog: str, table: Table, why: str) -> None:
    """Give a history table a signature that it never had, in the transaction that changes it."""
    found = con.execute(
        f"select signature from {catalog}.history.signatures where layer = $layer and name = $name",
        {"layer": table.layer, "name": table.name},
    ).fetchall()
    store_signature(con, catalog, table, digest(*(before for (before,) in found), why))
