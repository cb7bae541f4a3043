"""Parquet files as chunks of lines: each row becomes a JSON line."""

import re
from collections.abc import Iterator

import duckdb
from duckdb.sqltypes import DuckDBPyType

from pipelines.ingest.chunks import Chunk, split_lines
from pipelines.ingest.landing_file import LandingFile, UnreadableFile, most_bytes, most_lines
from pipelines.warehouse.engine import connect_beside
from schemas.sql_text import literal, quoted

# DuckDB works on so many rows at a time: that many values are in memory at once.
_BATCH_ROWS = 2_048
_MAX_BATCH_BYTES = 256 * 2**20
_OF_FIXED_SIZE = "u?(tiny|small|big|huge)?int|uinteger|float|double|decimal|bool|date|time|uuid"
_FIXED_BYTES = 40  # no number, instant or id takes more in JSON
# Folders above a file name no columns, and no column is added that is not in the file.
_OPTIONS = "hive_partitioning = false, filename = false"


def read_rows(file: LandingFile, con: duckdb.DuckDBPyConnection) -> Iterator[Chunk]:
    """The rows of a Parquet file in order, as lines of JSON numbered by row.

    Columns of instants become epoch milliseconds; `data` and `derivedData` may be structs, maps or
    JSON text. Memory is limited as that of `con`. Raises `UnreadableFile` when it is not a Parquet
    file, or holds more than a file of its size can.
    """
    with file.open() as opened, connect_beside(con, threads=2) as own:
        place = literal(f"/dev/fd/{opened.fileno()}")
        try:
            rows = _number_of_rows(own, place, file)
            reader = own.sql(_lines(own, place, file)).to_arrow_reader(_BATCH_ROWS)
            read = 0

            def blocks() -> Iterator[bytes]:
                nonlocal read
                for batch in reader:
                    lines = batch.column(0).to_pylist()
                    read += len(lines)
                    yield "\n".join(lines).encode() + b"\n"

            yield from split_lines(blocks(), lambda: file.size * read // max(rows, 1))
        except duckdb.Error as error:
            raise UnreadableFile(f"it cannot be read as Parquet: {type(error).__name__}") from error


def _number_of_rows(con: duckdb.DuckDBPyConnection, place: str, file: LandingFile) -> int:
    """The rows of a file by its footer; raises `UnreadableFile` when they cannot be so many."""
    query = f"select num_rows from parquet_file_metadata({place})"
    ((rows,),) = con.execute(query).fetchall()
    query = f"""
        select coalesce(sum(num_values), 0), coalesce(sum(total_uncompressed_size), 0)
        from parquet_metadata({place})
    """
    ((values, n_bytes),) = con.execute(query).fetchall()
    if rows > most_lines(file.size):
        raise UnreadableFile(f"it has {rows:,} rows, which a file of its size cannot have")
    if max(n_bytes, 2 * values) > most_bytes(file.size):
        raise UnreadableFile(_too_large(file))
    return rows


def _lines(con: duckdb.DuckDBPyConnection, place: str, file: LandingFile) -> str:
    """The query for the rows as JSON; raises `UnreadableFile` when their values are too large.

    A value may occur in many rows but once in the file: the text of all is measured first.
    """
    columns = con.sql(f"select * from read_parquet({place}, {_OPTIONS})")
    kinds = dict(zip(columns.columns, columns.types, strict=True))
    sizes = " + ".join(_size(quoted(name), kind) for name, kind in kinds.items())
    query = f"""
        select coalesce(sum(n_bytes), 0)::bigint, coalesce(max(n_bytes), 0)::bigint
        from (
            select sum({sizes}) as n_bytes
            from read_parquet({place}, {_OPTIONS}, file_row_number = true)
            group by file_row_number // {_BATCH_ROWS}
        )
    """
    ((n_bytes, in_batch),) = con.execute(query).fetchall()
    if n_bytes > most_bytes(file.size):
        raise UnreadableFile(_too_large(file))
    if in_batch > _MAX_BATCH_BYTES:
        found = f"the values of {_BATCH_ROWS:,} rows take more than {_MAX_BATCH_BYTES:,} bytes"
        raise UnreadableFile(found)
    values = ", ".join(f"{_value(n, str(kind))} as {quoted(n)}" for n, kind in kinds.items())
    return f"""
        select to_json(row)::varchar as line
        from (select {values} from read_parquet({place}, {_OPTIONS})) as row
    """


def _too_large(file: LandingFile) -> str:
    return f"its values take more than {most_bytes(file.size):,} bytes"


def _size(value: str, kind: object, depth: int = 0) -> str:
    """SQL for about the bytes that a value of a DuckDB type takes in JSON."""
    # A column without any value may have no type; DuckDB 2.0 fails on casts of such a member.
    if not isinstance(kind, DuckDBPyType) or kind.id == "null":
        return "0"
    size = f"coalesce(strlen({value}::varchar), 0)"
    if kind.id == "struct":
        fields = [(f"struct_extract({value}, {literal(n)})", of) for n, of in kind.children]
        size = f"({' + '.join(_size(field, of, depth) for field, of in fields)})"
    elif kind.id in ("list", "array"):
        size = _size_of_list(value, kind.children[0][1], depth)
    elif kind.id == "map":
        (_, key), (_, member) = kind.children
        members = _size_of_list(f"map_values({value})", member, depth)
        size = f"({_size_of_list(f'map_keys({value})', key, depth)} + {members})"
    elif re.match(_OF_FIXED_SIZE, kind.id):
        size = str(_FIXED_BYTES)
    return size


def _size_of_list(value: str, kind: object, depth: int) -> str:
    name = f"e{depth}"
    sizes = f"list_transform({value}, lambda {name}: 2 + {_size(name, kind, depth + 1)})"
    return f"coalesce(list_sum({sizes}), 0)"


def _value(name: str, kind: str) -> str:
    column = quoted(name)
    if kind == "TIMESTAMP WITH TIME ZONE":
        return f"case when isfinite({column}) then epoch_ms({column}) end"
    if kind.startswith("TIMESTAMP"):
        # Types that have no functions of their own: nanoseconds, with a time zone or without.
        exact = "timestamptz" if "WITH TIME ZONE" in kind or "TZ" in kind else "timestamp"
        return f"case when isfinite({column}::{exact}) then epoch_ms({column}::{exact}) end"
    if name in ("data", "derivedData") and kind == "VARCHAR":
        return f"case when json_valid({column}) then {column}::json else to_json({column}) end"
    return column
