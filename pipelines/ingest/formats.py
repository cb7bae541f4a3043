"""The landing formats: which file names each has, and what reads it.

A new format is a module with its reader, and one line in `FORMATS`.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import duckdb

from pipelines.ingest.chunks import Chunk
from pipelines.ingest.landing_file import LandingFile
from pipelines.ingest.read_json import read_elements
from pipelines.ingest.read_lines import read_lines
from pipelines.ingest.read_parquet import read_rows


@dataclass(frozen=True)
class LandingFormat:
    """A file format. `read` gives the records of a file as chunks of JSON lines, within the limits
    of a connection.

    `is_text` files may also be compressed. Files of a dimension (`users.ndjson`) need a format
    with `has_dimensions`.
    """

    name: str
    suffixes: tuple[str, ...]
    read: Callable[[LandingFile, duckdb.DuckDBPyConnection], Iterator[Chunk]]
    is_text: bool = True
    has_dimensions: bool = False


FORMATS = (
    LandingFormat(
        "ndjson", (".ndjson", ".jsonl"), lambda file, _: read_lines(file), has_dimensions=True
    ),
    LandingFormat("json", (".json",), lambda file, _: read_elements(file)),
    LandingFormat("parquet", (".parquet",), read_rows, is_text=False),
)
COMPRESSIONS = {".gz": "gz", ".zst": "zst"}

_BY_NAME = {format_.name: format_ for format_ in FORMATS}
_BY_SUFFIX = {suffix: format_ for format_ in FORMATS for suffix in format_.suffixes}
_SUFFIXES = list(_BY_SUFFIX)

ACCEPTED = (
    f"{', '.join(_SUFFIXES[:-1])} or {_SUFFIXES[-1]} files (text also {' or '.join(COMPRESSIONS)})"
)
"""The files that can be read, as a message names them."""


TABLES = {suffix: suffix.removeprefix(".") for suffix in (".csv", ".tsv", ".xlsx")}
"""The formats that only a source can read."""


def find_format_of_source(suffixes: list[str]) -> tuple[str, str | None] | None:
    """Format and compression of a file with these suffixes that a source says how to read."""
    *rest, last = [suffix.lower() for suffix in suffixes] or [""]
    compression = COMPRESSIONS.get(last)
    name = TABLES.get((rest or [""])[-1] if compression else last)
    if name is None:
        known = find_format(suffixes)
        return known and (known[0].name, known[1])
    return None if compression and name == "xlsx" else (name, compression)


def find_format(suffixes: list[str]) -> tuple[LandingFormat, str | None] | None:
    """Format and compression of a file with these suffixes; None when there is no such format."""
    *rest, last = [suffix.lower() for suffix in suffixes] or [""]
    compression = COMPRESSIONS.get(last)
    format_ = _BY_SUFFIX.get((rest or [""])[-1] if compression else last)
    if format_ is None or (compression and not format_.is_text):
        return None
    return format_, compression


def read_file(file: LandingFile, con: duckdb.DuckDBPyConnection) -> Iterator[Chunk]:
    """The records of a file in order, as chunks of JSON lines, within the memory limit of `con`.

    Raises `UnreadableFile` when the file cannot be read to its end.
    """
    return _BY_NAME[file.format].read(file, con)
