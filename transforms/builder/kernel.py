"""Tables of whole processes as a pure function: what is known of them in, tables out.

It computes; it stores nothing and moves no watermark. So a build in this process, which takes one
bucket of processes after the other, and the workers of a cluster run the same statements.
"""

from __future__ import annotations

import io
from collections.abc import Container, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Literal, Protocol

import duckdb
import polars as pl

from transforms.builder.fingerprints import CONFIG_OF_HISTORY, ENGINE_VERSION
from transforms.builder.tables import Key, Table, load_versions, upstreams
from transforms.engine import ENGINE_SETTINGS
from transforms.macros.load import MACROS

_UUID = "UUID"

Inputs = Mapping[str, str]
"""Queries for what tables read of some processes, by the plain names of it.

Those of history are `raw_versions` and `raw_activities` (tasks and calls).
"""


@dataclass(frozen=True)
class Plan:
    """What computes tables of any processes, on any machine; it can be pickled.

    `tables` come each after those it reads. `shared` has what they read that is the same for all
    processes, such as config tables, as Arrow IPC streams; `inputs` names what they read of the
    processes at hand. `columns` has the types of the columns of both.
    """

    what: Literal["history", "tables"]
    engine_version: str
    macros: str
    tables: tuple[Table, ...]
    shared: Mapping[str, bytes]
    inputs: tuple[str, ...]
    columns: Mapping[str, Mapping[str, str]]

    @property
    def stored(self) -> list[Table]:
        """The tables that are stored; the others only lead to them."""
        return [table for table in self.tables if table.kind == "table"]

    def typed(self, name: str) -> str:
        """The columns of something shared or an input, each cast to its type."""
        return ", ".join(f'"{c}"::{kind} as "{c}"' for c, kind in self.columns[name].items())


class Computing(Protocol):
    """Computes tables of all processes, bucket by bucket.

    `inputs` are those of the plan that it has not computed itself before. The result has, for each
    stored table, a query for its rows.
    """

    def __call__(self, plan: Plan, inputs: Inputs, /) -> Mapping[str, str]: ...


class Elsewhere(Protocol):
    """Other machines or other processes, which compute tables inside the block.

    They take what they read from the connection, and are shared out by the number of versions.
    """

    def __call__(
        self, con: duckdb.DuckDBPyConnection, n_versions: int, /
    ) -> AbstractContextManager[Computing]: ...


class OtherEngine(RuntimeError):
    """A worker has another version of DuckDB: some figures might differ in their last digits."""


def plan_history(
    con: duckdb.DuckDBPyConnection, tables: Mapping[Key, Table], inputs: Inputs
) -> Plan:
    """The plan for all history tables, with the definitions in `config` of this connection."""
    history = [table for (layer, _), table in tables.items() if layer == "history"]
    shared = {name: f"from config.{name}" for name in CONFIG_OF_HISTORY}
    return make_plan(con, "history", [load_versions(), *history], shared, inputs)


def make_plan(
    con: duckdb.DuckDBPyConnection,
    what: Literal["history", "tables"],
    tables: Iterable[Table],
    shared: Mapping[str, str],
    inputs: Inputs,
) -> Plan:
    """A plan for tables; `shared` and `inputs` are queries that this connection can answer."""
    columns = {name: columns_of(con, query) for name, query in {**shared, **inputs}.items()}
    streams: dict[str, bytes] = {}
    for name, query in shared.items():
        # Polars has no type for these.
        texts = [f'"{c}"::varchar as "{c}"' for c, kind in columns[name].items() if kind == _UUID]
        replace = f"replace ({', '.join(texts)})" if texts else ""
        buffer = io.BytesIO()
        con.sql(f"select * {replace} from ({query})").pl().write_ipc_stream(buffer)
        streams[name] = buffer.getvalue()
    return Plan(what, ENGINE_VERSION, MACROS, tuple(tables), streams, tuple(inputs), columns)


def open_worker(
    plan: Plan, limits: Mapping[str, str | int] | None = None
) -> duckdb.DuckDBPyConnection:
    """A connection of its own with the macros of a plan and what all processes share.

    `limits` are settings of DuckDB (threads, memory, folder for what does not fit). Raises
    `OtherEngine` when this is another version of DuckDB than the plan was made with.
    """
    if plan.engine_version != ENGINE_VERSION:
        raise OtherEngine(
            f"DuckDB {ENGINE_VERSION} found; the plan was made with {plan.engine_version}. Install "
            "the same version of leadtime and its packages on all machines."
        )
    con = duckdb.connect(config={**ENGINE_SETTINGS, **(limits or {})})
    con.execute(plan.macros)
    con.execute("create schema shared")
    for name, stream in plan.shared.items():
        con.register("incoming", pl.read_ipc_stream(stream))
        con.execute(f'create table shared."{name}" as select {plan.typed(name)} from incoming')
        con.unregister("incoming")
        con.execute(f'create temp view "{name}" as from shared."{name}"')
    return con


def take_in(con: duckdb.DuckDBPyConnection, plan: Plan, inputs: Inputs) -> None:
    """Copy inputs to a worker's connection, with the types of the plan, and bind them.

    A worker may take in one bucket after the other.
    """
    for name, query in inputs.items():
        rows = f'create or replace table shared."{name}" as select {plan.typed(name)}'
        con.execute(f"{rows} from ({query})")
        con.execute(f'create or replace temp view "{name}" as from shared."{name}"')


def bind_inputs(con: duckdb.DuckDBPyConnection, inputs: Inputs) -> None:
    """Bind what history starts from: inputs, config, and the versions in order."""
    for name, query in inputs.items():
        con.execute(f"create or replace temp view {name} as {query}")
    for name in CONFIG_OF_HISTORY:
        con.execute(f'create or replace temp view "{name}" as from config.{name}')
    con.execute(f"create or replace temp table versions as {load_versions().sql}")


def bind_table(con: duckdb.DuckDBPyConnection, name: str, query: str) -> None:
    """Let other tables read a history table under both of its names."""
    # Statements that other layers share with history read it as `history_<name>`.
    for alias in (name, f"history_{name}"):
        con.execute(f'create or replace temp view "{alias}" as {query}')


def compute(con: duckdb.DuckDBPyConnection, tables: Iterable[Table]) -> None:
    """Compute the tables, each after those it reads, from the inputs and tables that are bound.

    The rows of a stored one are in the temporary table `rows_of_bucket(name)` then.
    """
    for table in tables:
        if table.kind == "temporary table":
            con.execute(f'create or replace temp table "{table.name}" as {table.sql}')
            continue
        query = table.sql
        if table.kind == "table":
            rows = rows_of_bucket(table.name)
            con.execute(f"create or replace temp table {rows} as {table.sql}")
            query = f"from {rows}"
        if table.layer == "history":
            bind_table(con, table.name, query)
        else:
            con.execute(f'create or replace temp view "{table.name}" as {query}')


def rows_of_bucket(name: str) -> str:
    """The temporary table with the rows of a table that were computed for a bucket."""
    return f'"bucket_{name}"'


def with_views(tables: Mapping[Key, Table], stored: Container[str]) -> list[Table]:
    """The stored tables of these names and the views they read, each after what it reads."""
    needed: set[Key] = set()

    def need(table: Table) -> None:
        for key in upstreams(tables, table):
            if tables[key].kind == "view" and key not in needed:
                needed.add(key)
                need(tables[key])

    history = [table for (layer, _), table in tables.items() if layer == "history"]
    for table in history:
        if table.kind == "table" and table.name in stored:
            needed.add(table.key)
            need(table)
    return [table for table in history if table.key in needed]


def columns_of(con: duckdb.DuckDBPyConnection, query: str) -> dict[str, str]:
    """The types of the columns of a query."""
    described = con.execute(f"describe {query}").fetchall()
    return {name: kind for name, kind, *_ in described}
