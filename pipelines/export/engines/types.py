"""What becomes of DuckDB's types in other engines: the type there, and the SQL of the value.

Every type has an answer: one that another engine does not have is text there.
"""

from __future__ import annotations

from dataclasses import dataclass

from duckdb.sqltypes import DuckDBPyType

from schemas.sql_text import quoted

_SMALLER = {  # unsigned types fit into the next one with a sign
    "boolean": "BOOLEAN",
    "tinyint": "SMALLINT",
    "smallint": "SMALLINT",
    "utinyint": "SMALLINT",
    "integer": "INTEGER",
    "usmallint": "INTEGER",
    "bigint": "BIGINT",
    "uinteger": "BIGINT",
    "ubigint": "DECIMAL(20,0)",
    "hugeint": "DECIMAL(38,0)",
    "uhugeint": "DECIMAL(38,0)",
    "float": "FLOAT",
    "double": "DOUBLE",
    "date": "DATE",
    "blob": "BLOB",
    "timestamp": "TIMESTAMP",
    "timestamp_s": "TIMESTAMP",
    "timestamp_ms": "TIMESTAMP",
    "timestamp_ns": "TIMESTAMP",
    "timestamp with time zone": "TIMESTAMP WITH TIME ZONE",
}
_TEXT = "VARCHAR"


def delta_value(column: str, kind: DuckDBPyType) -> str:
    """The SQL of a column for Delta, which has no UUID, JSON, TIME, INTERVAL: they become text."""
    return f"({quoted(column)})::{_delta_type(kind)}"


def _delta_type(kind: DuckDBPyType) -> str:
    match kind.id:
        case "decimal":
            return str(kind)
        case "list" | "array":
            return f"{_delta_type(_members(kind)[0][1])}[]"
        case "struct":
            written = [f"{quoted(name)} {_delta_type(member)}" for name, member in _members(kind)]
            return f"STRUCT({', '.join(written)})"
        case "map":
            key, value = (_delta_type(member) for _, member in _members(kind))
            return f"MAP({key}, {value})"
        case _:
            return _SMALLER.get(kind.id, _TEXT)


def _members(kind: DuckDBPyType) -> list[tuple[str, DuckDBPyType]]:
    """The types in a nested type, with their names; without the size of an array."""
    return [(name, member) for name, member in kind.children if isinstance(member, DuckDBPyType)]


@dataclass(frozen=True)
class PostgresColumn:
    """The type of a column in PostgreSQL, and the SQL of what is sent for it."""

    type: str
    value: str


_POSTGRES = {
    "BOOLEAN": "boolean",
    "SMALLINT": "smallint",
    "INTEGER": "integer",
    "BIGINT": "bigint",
    "DECIMAL(20,0)": "numeric(20,0)",
    "DECIMAL(38,0)": "numeric(38,0)",
    "FLOAT": "real",
    "DOUBLE": "double precision",
    "DATE": "date",
    "BLOB": "bytea",
    "TIMESTAMP": "timestamp with time zone",
    "TIMESTAMP WITH TIME ZONE": "timestamp with time zone",
}
_IN_ARRAYS = ("boolean", "smallint", "integer", "bigint", "real", "double precision")
_NESTED = ("struct", "map", "list", "array", "union", "variant")
# PostgreSQL's text has every character but this one.
_NUL, _INSTEAD = "chr(0)", "chr(65533)"


def postgres_column(column: str, kind: DuckDBPyType) -> PostgresColumn:
    """The type of a column in PostgreSQL, and the SQL of the value as its binary format has it.

    Lists of numbers, truth values and texts are arrays; other nested values are `jsonb`.
    """
    value = quoted(column)
    if str(kind) == "JSON":
        return PostgresColumn("jsonb", _jsonb(f"{value}::{_TEXT}"))
    if kind.id in _NESTED:
        return _postgres_array(value, kind) or PostgresColumn(
            "jsonb", _jsonb(f"to_json({value})::{_TEXT}")
        )
    if kind.id in _SMALLER:
        target = _SMALLER[kind.id]
        return PostgresColumn(_POSTGRES[target], f"{value}::{target}")
    return _postgres_scalar(value, kind)


def _postgres_scalar(value: str, kind: DuckDBPyType) -> PostgresColumn:
    match kind.id:
        case "decimal":
            return PostgresColumn(f"numeric{str(kind).removeprefix('DECIMAL')}", value)
        case "uuid":
            return PostgresColumn("uuid", f"unhex(replace({value}::{_TEXT}, '-', ''))")
        case "time" | "interval" as same:
            return PostgresColumn(same, value)
        case _:
            return PostgresColumn("text", _without_nul(f"{value}::{_TEXT}"))


def _postgres_array(value: str, kind: DuckDBPyType) -> PostgresColumn | None:
    """A list as an array; None where its elements are no numbers, truth values or texts."""
    if kind.id not in ("list", "array"):
        return None
    ((_, element),) = _members(kind)
    if element.id in (*_NESTED, "decimal") or str(element) == "JSON":
        return None
    target = _SMALLER.get(element.id, _TEXT)
    name = _POSTGRES.get(target, "text")
    if name in _IN_ARRAYS:
        return PostgresColumn(f"{name}[]", f"{value}::{target}[]")
    texts = f"list_transform({value}::{_TEXT}[], lambda e: {_without_nul('e')})"
    return PostgresColumn("text[]", texts)


def _without_nul(text: str) -> str:
    return f"replace({text}, {_NUL}, {_INSTEAD})"


def _jsonb(text: str) -> str:
    r"""JSON as `jsonb` takes it: a version byte before it, and no \u0000 in its texts.

    The number that an exponent of five digits and more makes is too large for it: such a document
    becomes a text. In JSON an escaped backslash may precede `u0000`; a bare chr(2) never stands.
    """
    backslash = "chr(92)"
    twice = f"{backslash} || {backslash}"
    kept = f"replace({text}, {twice}, chr(2))"
    kept = f"replace({kept}, {backslash} || 'u0000', {backslash} || 'ufffd')"
    kept = f"replace({kept}, chr(2), {twice})"
    too_large = f"regexp_matches({text}, '[0-9][eE][+-]?[0-9]{{5}}')"
    return f"chr(1) || case when {too_large} then to_json({text})::{_TEXT} else {kept} end"
