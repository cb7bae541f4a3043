"""History of whole processes as a pure function: their versions and the definitions in, tables out.

It computes; it stores nothing and moves no watermark. So a build in this process, which takes one
bucket of processes after the other, and the workers of a cluster run the same statements.
"""

from __future__ import annotations

import io
from collections.abc import Container, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

import duckdb
import polars as pl

from transforms.builder.fingerprints import CONFIG_OF_HISTORY, ENGINE_VERSION
from transforms.builder.tables import Key, Table, load_versions, upstreams
from transforms.macros.load import MACROS

_UUID = "UUID"


@dataclass(frozen=True)
class Inputs:
    """Queries for the versions and the activities (tasks and calls) of some processes."""

    versions: str
    activities: str


@dataclass(frozen=True)
class Plan:
    """What computes the history of any processes, on any machine; it can be pickled.

    `tables` are those of the history, each after those it reads. `config` has each config table
    that they read, as an Arrow IPC stream, `columns` the types of the columns of config tables and
    inputs (`raw_versions`, `raw_activities`).
    """

    engine_version: str
    macros: str
    tables: tuple[Table, ...]
    config: Mapping[str, bytes]
    columns: Mapping[str, Mapping[str, str]]

    @property
    def stored(self) -> list[Table]:
        """The tables that are stored; the others are views."""
        return [table for table in self.tables if table.kind == "table"]

    def typed(self, name: str) -> str:
        """The columns of a config table or an input, each cast to its type."""
        return ", ".join(f"{c}::{kind} as {c}" for c, kind in self.columns[name].items())


class Elsewhere(Protocol):
    """Computes the history of all processes on other machines or in other processes."""

    def __call__(
        self, con: duckdb.DuckDBPyConnection, plan: Plan, inputs: Inputs, n_versions: int, /
    ) -> AbstractContextManager[Mapping[str, str]]:
        """For each stored table, a query for its rows, which can be read inside the block."""
        ...


class OtherEngine(RuntimeError):
    """A worker has another version of DuckDB: some figures might differ in their last digits."""


def plan_history(
    con: duckdb.DuckDBPyConnection, tables: Mapping[Key, Table], inputs: Inputs
) -> Plan:
    """The plan for all history tables, with the definitions in `config` of this connection."""
    config: dict[str, bytes] = {}
    columns = {
        "raw_versions": _columns(con, inputs.versions),
        "raw_activities": _columns(con, inputs.activities),
    }
    for name in CONFIG_OF_HISTORY:
        columns[name] = _columns(con, f"from config.{name}")
        # Polars has no type for these.
        texts = [f"{c}::varchar as {c}" for c, kind in columns[name].items() if kind == _UUID]
        replace = f"replace ({', '.join(texts)})" if texts else ""
        buffer = io.BytesIO()
        con.sql(f"select * {replace} from config.{name}").pl().write_ipc_stream(buffer)
        config[name] = buffer.getvalue()
    history = tuple(table for (layer, _), table in tables.items() if layer == "history")
    return Plan(ENGINE_VERSION, MACROS, history, config, columns)


def open_worker(
    plan: Plan, limits: Mapping[str, str | int] | None = None
) -> duckdb.DuckDBPyConnection:
    """A connection of its own with the macros and the definitions of a plan.

    `limits` are settings of DuckDB (threads, memory, folder for what does not fit). Raises
    `OtherEngine` when this is another version of DuckDB than the plan was made with.
    """
    if plan.engine_version != ENGINE_VERSION:
        raise OtherEngine(
            f"DuckDB {ENGINE_VERSION} found; the plan was made with {plan.engine_version}. Install "
            "the same version of leadtime and its packages on all machines."
        )
    # As the warehouse is opened.
    settings: dict[str, str | bool | int | float | list[str]] = {
        "preserve_insertion_order": False,
        "asof_loop_join_threshold": 0,
        "autoinstall_known_extensions": False,
    }
    con = duckdb.connect(config={**settings, **(limits or {})})
    con.execute(plan.macros)
    con.execute("create schema config")
    for name, stream in plan.config.items():
        con.register("incoming", pl.read_ipc_stream(stream))
        con.execute(f"create table config.{name} as select {plan.typed(name)} from incoming")
        con.unregister("incoming")
    return con


def take_in(con: duckdb.DuckDBPyConnection, plan: Plan, inputs: Inputs) -> None:
    """Copy inputs to a worker's connection, with the types of the plan, and bind them."""
    for name, query in (("raw_versions", inputs.versions), ("raw_activities", inputs.activities)):
        con.execute(f"create table bucket_{name} as select {plan.typed(name)} from ({query})")
    bind_inputs(con, Inputs("from bucket_raw_versions", "from bucket_raw_activities"))


def bind_inputs(con: duckdb.DuckDBPyConnection, inputs: Inputs) -> None:
    """Bind what history starts from: inputs, config, and the versions in order."""
    con.execute(f"create or replace temp view raw_activities as {inputs.activities}")
    con.execute(f"create or replace temp view raw_versions as {inputs.versions}")
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
        if table.kind == "view":
            bind_table(con, table.name, table.sql)
            continue
        rows = rows_of_bucket(table.name)
        con.execute(f"create or replace temp table {rows} as {table.sql}")
        bind_table(con, table.name, f"from {rows}")


def rows_of_bucket(name: str) -> str:
    """The temporary table with the rows of a history table that were computed for a bucket."""
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


def _columns(con: duckdb.DuckDBPyConnection, query: str) -> dict[str, str]:
    described = con.execute(f"describe {query}").fetchall()
    return {name: kind for name, kind, *_ in described}
