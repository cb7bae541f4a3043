"""What each history table follows from, as fingerprints: a changed one means that it is stale."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Final

import duckdb
import polars as pl

from schemas.compiled.derivations import plan_derivations
from schemas.definitions.procedure import Procedures
from transforms.builder.tables import Key, Table, load_versions, upstreams
from transforms.macros.load import MACROS

ENGINE_VERSION = duckdb.__version__
# The config tables that history reads. `working_slots` has no column for the procedure:
# `procedure_calendars` has a fingerprint of the slots of each calendar. Neither has `working_days`,
# which also has the calendars of SLA policies: all procedures follow from all of it.
CONFIG_OF_HISTORY: Final = (
    "procedures",
    "states",
    "transitions",
    "procedure_calendars",
    "working_slots",
    "working_days",
    "funnels",
    "funnel_step_list",
    "funnel_states",
    "funnel_exclusions",
    "clocks",
    "sla_events",
)
# Columns that are only published: when they change, history stays as it is.
_ONLY_PUBLISHED = ("procedure_name", "is_removed", "probability")
_MACRO = re.compile(r"^\s*create or replace temp macro (\w+)", re.MULTILINE)
_CALL = re.compile(r"\b(\w+)\s*\(")


class Fingerprints:
    """The fingerprints of the history tables among `tables`, under the definitions in `config`."""

    def __init__(self, tables: Mapping[Key, Table], config: Mapping[str, pl.DataFrame]) -> None:
        self._tables = tables
        self._config = config
        self._rows: dict[tuple[str, str], str] = {}

    def of_code(self, table: Table) -> str:
        """Covers the SQL of a table and its sources, the macros they call, and the engine.

        What Python writes for a procedure is part of the SQL.
        """
        return digest(ENGINE_VERSION, *self._code(table))

    def of_definitions(self, table: Table) -> dict[str, str]:
        """By the id of each procedure: covers the rows of config that the table follows from."""
        read = {name for source in self._sources(table) for name in source.reads}
        names = sorted(read & {*CONFIG_OF_HISTORY} - {"working_slots", "working_days"})
        shared = [self._working_days] if "working_days" in read else []
        return {
            procedure_id: digest(*(self._rows_of(n, procedure) for n in names), *shared)
            for procedure_id, procedure in self._config["procedures"]
            .select("procedure_id", "procedure")
            .iter_rows()
        }

    def _code(self, table: Table) -> Iterator[str]:
        for source in self._sources(table):
            yield source.sql
            yield from self.macros_called(source.sql)

    def _sources(self, table: Table) -> Iterator[Table]:
        """The table, and every table it follows from."""
        waiting, seen = [table], {table.key}
        while waiting:
            source = waiting.pop()
            yield source
            new = [self._tables[key] for key in upstreams(self._tables, source)]
            if "versions" in source.reads:
                new.append(load_versions())
            waiting += [t for t in new if t.key not in seen]
            seen |= {t.key for t in new}

    @cached_property
    def _working_days(self) -> str:
        return digest(self._config["working_days"].write_csv())

    def _rows_of(self, config: str, procedure: str) -> str:
        """The rows of a procedure in a config table, in a form that tells them from all others."""
        key = (config, procedure)
        if key not in self._rows:
            rows = self._config[config].filter(pl.col("procedure") == procedure)
            rows = rows.drop(_ONLY_PUBLISHED, strict=False)
            self._rows[key] = repr((config, sorted(rows.rows(), key=str)))
        return self._rows[key]

    def macros_called(self, sql: str) -> list[str]:
        """The macros that `sql` calls, and those that they call, in order of their names."""
        called: set[str] = set()
        waiting = [sql]
        while waiting:
            new = {*_CALL.findall(waiting.pop().lower())} & self._macros.keys() - called
            called |= new
            waiting += [self._macros[name] for name in new]
        return [self._macros[name] for name in sorted(called)]

    @cached_property
    def _macros(self) -> Mapping[str, str]:
        """The text of each macro, by its name."""
        starts = [*_MACRO.finditer(MACROS)]
        ends = [*(start.start() for start in starts[1:]), len(MACROS)]
        return {
            start[1]: MACROS[start.start() : end].partition(";\n")[0]
            for start, end in zip(starts, ends, strict=True)
        }


def fingerprint_raw(con: duckdb.DuckDBPyConnection) -> str:
    """Covers the raw tables by their rows in the ledger, their sizes and their last batches.

    Every command that changes raw tables changes one of these.
    """
    return repr(con.execute(_RAW).fetchall())


def fingerprint_procedures(procedures: Procedures) -> str:
    """Covers the definitions of procedures, their calendars and the files of their scripts."""
    derivations = plan_derivations(procedures).derivations
    scripts = [d.script.sha256 for d in derivations if d.script]
    calendars = sorted((name, c.model_dump_json()) for name, c in procedures.calendars.items())
    return digest(procedures.fingerprint, *scripts, repr(calendars))


def digest(*parts: str) -> str:
    """sha256 of texts, each with its place."""
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


_RAW = """
    select
        (select coalesce(bit_xor(hash(f)), 0) from raw.ingest_files as f),
        (select coalesce(bit_xor(hash(v)), 0) from raw.validated_by as v),
        (select (count(*), max(batch_seq)) from raw.process_versions),
        (select (count(*), max(batch_seq)) from raw.violations),
        (select coalesce(bit_xor(hash(ingest_seq, rules)), 0) from raw.quarantine),
        (select (count(*), max(batch_seq)) from raw.dimension_rows),
        (select coalesce(bit_xor(hash(e)), 0) from raw.erasures as e)
"""
