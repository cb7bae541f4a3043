"""A whole published database in other engines, read back row for row by other clients."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipelines.export.engines.address import parse_address
from pipelines.export.engines.copy import copy_generation
from pipelines.settings import Settings
from tests.support.delta_tables import rows_of
from tests.support.postgres_server import PASSWORD, PostgresServer, running_postgres

# The SQL of a value as text that is the same in both engines, by DuckDB's type.
_IN_POSTGRES = {
    "TIMESTAMP": "to_char({} at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS.US')",
    "BOOLEAN": "({})::text",
}
_IN_DUCKDB = {"TIMESTAMP": "strftime({}, '%Y-%m-%d %H:%M:%S.%f')"}


def tables_of(con: duckdb.DuckDBPyConnection) -> dict[str, dict[str, str]]:
    """The types of all columns, by table and column."""
    found: dict[str, dict[str, str]] = {}
    query = "select table_name, column_name, data_type from duckdb_columns() where not internal"
    for table, column, kind in con.execute(f"{query} order by all").fetchall():
        found.setdefault(table, {})[column] = kind
    return found


def test_delta_tables_have_the_published_rows(settings: Settings, tmp_path: Path) -> None:
    pytest.importorskip("deltalake", reason="its extra is not installed")
    copied = copy_generation(settings, parse_address(f"delta://{tmp_path / 'tables'}"))
    current = (tmp_path / "tables" / "current").resolve()
    n_rows = 0
    with duckdb.connect(settings.published, read_only=True) as con:
        tables = tables_of(con)
        for name, types in tables.items():
            written = ", ".join(_delta_text(column, kind) for column, kind in types.items())
            expected = ", ".join(f'"{column}"::varchar' for column in types)
            rows = rows_of(current / name, f"select {written} from t")
            assert rows == con.execute(f"select {expected} from {name}").fetchall(), name
            n_rows += len(rows)
    assert {path.name for path in current.iterdir() if path.is_dir()} == {*tables}
    assert (copied.tables, copied.rows) == (len(tables), n_rows)


def _delta_text(column: str, kind: str) -> str:
    value = f'"{column}"'
    return f"{f'make_timestamp(epoch_us({value}))' if kind == 'TIMESTAMP' else value}::varchar"


def test_postgres_has_the_published_rows(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("adbc_driver_postgresql", reason="its extra is not installed")
    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    with running_postgres() as server:
        copied = copy_generation(settings, parse_address(server.address()))
        _compare(settings, server, copied.rows)


def _compare(settings: Settings, server: PostgresServer, n_copied: int) -> None:
    n_rows = 0
    with duckdb.connect(settings.published, read_only=True) as con:
        tables = tables_of(con)
        queries = [
            f'select {_texts(types, _IN_POSTGRES)} from leadtime."{name}" order by ctid'
            for name, types in tables.items()
        ]
        each = server.rows_of_each(queries)
        for (name, types), rows in zip(tables.items(), each, strict=True):
            parse = [_parser(kind) for kind in types.values()]
            query = f'select {_texts(types, _IN_DUCKDB)} from "{name}"'
            expected = _parsed(con.execute(query).fetchall(), parse)
            assert _parsed(rows, parse) == expected, name
            n_rows += len(rows)
        assert n_copied == n_rows
        comments = con.execute("select comment from duckdb_columns() where not internal").fetchall()
        described = """
            select col_description(a.attrelid, a.attnum) from pg_attribute as a
            where a.attrelid in (
                select oid from pg_class where relnamespace = 'leadtime'::regnamespace
            ) and a.attnum > 0 and a.attrelid::regclass::text not like 'pg_toast%'
        """
        there = [row[0] for row in server.rows(described) if row[0]]
        assert sorted(there) == sorted(text for (text,) in comments if text)


def _texts(types: dict[str, str], forms: dict[str, str]) -> str:
    return ", ".join(_text(column, kind, forms) for column, kind in types.items())


def _text(column: str, kind: str, forms: dict[str, str]) -> str:
    value = f'"{column}"'
    return (
        f"to_json({value})::text"
        if _is_nested(kind)
        else forms.get(kind, "({})::text").format(value)
    )


def _parser(kind: str) -> Callable[[str], Any]:
    """Numbers may be written in several forms, and JSON with its keys in any order."""
    if _is_nested(kind):
        return json.loads
    return float if kind == "DOUBLE" else str


def _is_nested(kind: str) -> bool:
    return kind == "JSON" or kind.startswith("STRUCT") or kind.endswith("[]")


def _parsed(rows: Any, parse: list[Callable[[str], Any]]) -> list[tuple[Any, ...]]:
    return [
        tuple(
            None if cell is None else parser(cell) for parser, cell in zip(parse, row, strict=True)
        )
        for row in rows
    ]
