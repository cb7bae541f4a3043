"""Parquet files as chunks of lines: each row becomes the JSON line it stands for."""

import json
from collections.abc import Iterator

import duckdb

from pipelines.landing import Chunk, LandingFile, UnreadableFile, split_lines

_BATCH_ROWS = 20_000


def read_rows(file: LandingFile) -> Iterator[Chunk]:
    """The rows of a Parquet file in order, as lines of JSON numbered by row.

    Columns of instants become epoch milliseconds; `data` and `derivedData` may be structs, maps or
    JSON text. Raises `UnreadableFile` when it is not a Parquet file.
    """
    con = duckdb.connect(config={"threads": 2})
    try:
        source = con.sql("select * from read_parquet($file)", params={"file": str(file.path)})
        kinds = dict(zip(source.columns, map(str, source.types), strict=True))
        total = con.sql(
            "select num_rows from parquet_file_metadata($file)", params={"file": str(file.path)}
        ).fetchall()
        rows = total[0][0]
        query = f"select to_json(row)::varchar as line from (select {_columns(kinds)} from source) row"
        reader = con.sql(query).to_arrow_reader(_BATCH_ROWS)
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
    finally:
        con.close()


def _columns(kinds: dict[str, str]) -> str:
    return ", ".join(f"{_value(name, kind)} as {_quoted(name)}" for name, kind in kinds.items())


def _value(name: str, kind: str) -> str:
    column = _quoted(name)
    if kind.startswith("TIMESTAMP WITH TIME ZONE"):
        return f"epoch_ms({column})"
    if kind.startswith("TIMESTAMP"):
        return f"epoch_ms({column}::timestamp)"
    if name in ("data", "derivedData") and kind == "VARCHAR":
        return f"case when json_valid({column}) then {column}::json else to_json({column}) end"
    return column


def _quoted(name: str) -> str:
    return '"' + json.dumps(name)[1:-1].replace('\\"', '""') + '"'
