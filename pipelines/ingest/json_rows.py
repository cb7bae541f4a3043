"""Lines of JSON as rows of text, read by DuckDB: one column per field of the record."""

import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from schemas.records.record import FIELDS

# DuckDB reads with buffers of twice the longest line it may meet; few lines are longer than this.
USUAL_LINE_BYTES = 2 * 2**20
TEXT_KINDS = ("uuid", "status", "state")
_COLUMNS = {f.name: "VARCHAR" if f.kind in TEXT_KINDS else "JSON" for f in FIELDS}
_QUERY = """
    select * from read_json(
        $file, format = 'newline_delimited', columns = $columns,
        maximum_object_size = $longest, compression = 'uncompressed',
        ignore_errors = $tolerant
    )
"""


@contextmanager
def json_rows(
    con: duckdb.DuckDBPyConnection,
    body: bytes,
    *,
    longest: int = USUAL_LINE_BYTES,
    tolerant: bool = False,
) -> Generator[tuple[str, dict[str, object]]]:
    """A query of the fields of each line of `body` in order, with its parameters.

    Identifiers and words are text, all else JSON. The query raises `duckdb.InvalidInputException`
    when DuckDB refuses a line. With `tolerant` such a line becomes a row without a value, but a
    repeated key goes unseen.
    """
    # A file without a name, which is gone when this process ends in any way.
    with tempfile.TemporaryFile(dir=_temporary_folder(con)) as file:
        file.write(body)
        file.flush()
        place = f"/dev/fd/{file.fileno()}"
        yield (
            _QUERY,
            {"file": place, "columns": _COLUMNS, "longest": longest, "tolerant": tolerant},
        )


def _temporary_folder(con: duckdb.DuckDBPyConnection) -> str | None:
    """The folder for temporary files of a warehouse; None for that of the system."""
    folder = con.execute("select current_setting('temp_directory')").fetchall()[0][0]
    return folder if Path(folder or ".tmp").is_dir() else None
