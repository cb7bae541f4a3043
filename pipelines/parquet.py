"""Parquet files as chunks of lines: each row becomes the JSON line it stands for."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

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
        path = {"file": _exactly(file.path)}
        source = con.sql("select * from read_parquet($file)", params=path)
        kinds = dict(zip(source.columns, map(str, source.types), strict=True))
        query = "select num_rows from parquet_file_metadata($file)"
        rows = con.execute(query, path).fetchall()[0][0]
        columns = ", ".join(f"{_value(*kind)} as {_quoted(kind[0])}" for kind in kinds.items())
        query = f"select to_json(row)::varchar as line from (select {columns} from source) as row"
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


def _exactly(path: Path) -> str:
    """The path with nothing in it that DuckDB takes for a pattern of names."""
    return re.sub(r"([*?\[])", r"[\1]", str(path))


def _value(name: str, kind: str) -> str:
    column = _quoted(name)
    if kind.startswith("TIMESTAMP WITH TIME ZONE"):
        return f"case when isfinite({column}) then epoch_ms({column}) end"
    if kind.startswith("TIMESTAMP"):
        return f"case when isfinite({column}) then epoch_ms({column}::timestamp) end"
    if name in ("data", "derivedData") and kind == "VARCHAR":
        return f"case when json_valid({column}) then {column}::json else to_json({column}) end"
    return column


def _quoted(name: str) -> str:
    return '"' + json.dumps(name)[1:-1].replace('\\"', '""') + '"'
