"""Takes the clean versions out of a chunk of lines, in DuckDB alone."""

from collections.abc import Iterable

import duckdb
import polars as pl

from pipelines.ingest.chunks import Chunk
from pipelines.ingest.exact_text import has_inexact_number, without_lone_surrogates
from pipelines.ingest.json_rows import USUAL_LINE_BYTES, json_rows
from pipelines.ingest.parse_versions import find_bad_lines, may_have_trailing_comma
from schemas.records.record import FIELDS
from schemas.sql_text import quoted
from transforms.validate.clean import CleanVersions
from transforms.validate.validation import ACCEPTED

# Stands for a line that is not read, so that rows keep the numbers of their lines.
_NOTHING = b"{}"
_IS_NOTHING = " and ".join(f"{quoted(field.name)} is null" for field in FIELDS)


def find_clean(
    con: duckdb.DuckDBPyConnection, chunk: Chunk, finders: Iterable[CleanVersions]
) -> pl.DataFrame:
    """The lines of a chunk that are clean versions, as `Validated.accepted`.

    All others have to be parsed and validated, and so have all lines of a chunk in which DuckDB
    refuses a line that no other check finds.
    """
    lines = [_usual(line) for line in without_lone_surrogates(chunk).texts]
    for is_unlike in (may_have_trailing_comma, has_inexact_number):
        if is_unlike(chunk.body):
            lines = [_NOTHING if is_unlike(line) else line for line in lines]
    nothing = pl.DataFrame(schema=ACCEPTED)
    if not _load(con, lines):
        return nothing
    found = pl.concat([nothing, *(finder.find(con) for finder in finders)])
    return found.with_columns(pl.col("line") + (chunk.first_line - 1))


def _usual(line: bytes) -> bytes:
    is_object = line.startswith(b"{") and line.endswith((b"}", b"}\r"))
    return line if is_object and len(line) <= USUAL_LINE_BYTES else _NOTHING


def _load(con: duckdb.DuckDBPyConnection, lines: list[bytes]) -> bool:
    """Fill the table `records` with the lines; those that DuckDB refuses become `_NOTHING`."""
    if _read(con, lines):
        return True
    refused: list[int] = []
    if _read(con, lines, tolerant=True):
        found = con.execute(f"select line from records where {_IS_NOTHING}").fetchall()
        refused = [line - 1 for (line,) in found if lines[line - 1] != _NOTHING]
    if refused and _read(con, _without(lines, refused)):
        return True
    refused = [place for place, _ in find_bad_lines(con, dict(enumerate(lines)))]
    return bool(refused) and _read(con, _without(lines, refused))


def _without(lines: list[bytes], places: Iterable[int]) -> list[bytes]:
    for place in places:
        lines[place] = _NOTHING
    return lines


def _read(con: duckdb.DuckDBPyConnection, lines: list[bytes], *, tolerant: bool = False) -> bool:
    with json_rows(con, b"\n".join([*lines, b""]), tolerant=tolerant) as (query, parameters):
        try:
            con.execute(
                "create or replace temp table records as "
                f"select row_number() over () as line, * from ({query})",
                parameters,
            )
        except duckdb.InvalidInputException:
            return False
    return con.execute("select count(*) from records").fetchall() == [(len(lines),)]
