"""Lines of a landing file -> a frame of raw process records, and the lines that are none.

DuckDB parses a whole chunk at once. Only when a chunk holds something it refuses are its lines
looked at one by one, and only the bad ones are taken out: a line never costs its neighbours.
Whether a record keeps the rules does not belong here.
"""

import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import polars as pl

from pipelines.landing import LONGEST_LINE_BYTES, Chunk
from schemas.core_record import FIELDS, raw
from schemas.rules import Rule

LINE_RULES = {
    rule.id: rule
    for rule in (
        Rule("file:line:length", "reject", "A line has at most 32 MiB.", "line"),
        Rule("file:line:utf8", "reject", "A line is UTF-8 text.", "line"),
        Rule("file:json:parse", "reject", "A line is JSON.", "line"),
        Rule("file:json:object", "reject", "A line is one JSON object.", "line"),
        Rule("file:json:repeated", "reject", "No key stands twice in an object.", "line"),
        Rule("file:json:number", "reject", "NaN and Infinity are not JSON numbers.", "line"),
    )
}
# Below this size DuckDB splits a chunk over its threads; longer lines take the slow way.
_USUAL_LINE_BYTES = 2 * 2**20
_BLANK = b" \t\r\n\v\f"
_TEXT_KINDS = ("uuid", "status", "state")
_NOT_A_NUMBER = r"(?i)[:\[,]-?(?:nan|inf)"


@dataclass
class Parsed:
    """What a chunk held: `records` (one row per record, `line` and the raw columns of
    `core_record`), `bad` (line, rule, text) and the number of blank lines."""

    records: pl.DataFrame
    blank: int = 0
    bad: list[tuple[int, str, str]] = field(default_factory=list[tuple[int, str, str]])


def parse_chunk(con: duckdb.DuckDBPyConnection, chunk: Chunk) -> Parsed:
    """Parse the lines of a chunk; records keep the order of the lines."""
    records = None
    if not chunk.too_long:
        records = _read_json(con, chunk.body, chunk.lines, _USUAL_LINE_BYTES)
    if records is not None:
        numbered = records.with_row_index("line", offset=chunk.first_line)
        return _without_not_a_number(Parsed(numbered.cast({"line": pl.Int64})), chunk)
    lines = chunk.body.split(b"\n")[:-1]
    return _without_not_a_number(_screen(con, chunk, lines), chunk)


def line_text(chunk: Chunk, numbers: list[int]) -> dict[int, str]:
    """The text of some lines of a chunk, by line number."""
    if not numbers:
        return {}
    lines = chunk.body.split(b"\n")
    return {n: _decoded(lines[n - chunk.first_line]) for n in numbers}


def _read_json(
    con: duckdb.DuckDBPyConnection, body: bytes, lines: int, longest: int
) -> pl.DataFrame | None:
    """All lines as records, or None when a line is not a record or is blank."""
    columns = {f.name: "VARCHAR" if f.kind in _TEXT_KINDS else "JSON" for f in FIELDS}
    with tempfile.NamedTemporaryFile(prefix="leadtime-", suffix=".ndjson") as file:
        Path(file.name).write_bytes(body)
        query = """
            select * from read_json(
                $file, format = 'newline_delimited', columns = $columns,
                maximum_object_size = $longest, compression = 'uncompressed'
            )
        """
        try:
            frame = con.sql(
                query, params={"file": file.name, "columns": columns, "longest": longest}
            ).pl()
        except duckdb.InvalidInputException:
            return None
    if frame.height != lines:
        return None
    return frame.select(
        pl.when(pl.col(f.name) != "null").then(pl.col(f.name)).alias(raw(f.column)) for f in FIELDS
    )


def _screen(con: duckdb.DuckDBPyConnection, chunk: Chunk, lines: list[bytes]) -> Parsed:
    """The slow way: take out blank and bad lines one by one, then parse the rest at once."""
    parsed = Parsed(pl.DataFrame())
    numbers: list[int] = []
    texts: list[str] = []
    for number, line in enumerate(lines, chunk.first_line):
        if number in chunk.too_long:
            parsed.bad.append((number, "file:line:length", _decoded(chunk.too_long[number])))
        elif not line.strip(_BLANK):
            parsed.blank += 1
        else:
            try:
                texts.append(line.decode())
                numbers.append(number)
            except UnicodeDecodeError:
                parsed.bad.append((number, "file:line:utf8", _decoded(line)))
    if texts:
        good, bad = _json_objects(con, pl.DataFrame({"line": numbers, "text": texts}))
        parsed.bad += bad
        frames = list(_parse_lines(con, good, parsed.bad))
        parsed.records = pl.concat(frames) if frames else parsed.records
    if parsed.records.is_empty():
        schema = {"line": pl.Int64} | {raw(f.column): pl.String for f in FIELDS}
        parsed.records = pl.DataFrame(schema=schema)
    return parsed


def _json_objects(
    con: duckdb.DuckDBPyConnection, lines: pl.DataFrame
) -> tuple[pl.DataFrame, list[tuple[int, str, str]]]:
    query = """
        with judged as (
            select line, text, json_valid(text) as is_json from lines
        ), typed as (
            select *, case when is_json then json_type(text) end as type from judged
        ), keyed as (
            select *, case when type = 'OBJECT' then list_filter(
                json_keys(text), lambda k: list_contains($fields, k)
            ) end as keys from typed
        )
        select line, text, case
            when not is_json then 'file:json:parse'
            when type not in ('OBJECT', 'NULL') then 'file:json:object'
            when len(list_distinct(keys)) < len(keys) then 'file:json:repeated'
        end as rule
        from keyed order by line
    """
    judged = con.sql(query, params={"fields": [f.name for f in FIELDS]}).pl()
    bad = judged.filter(pl.col("rule").is_not_null())
    good = judged.filter(pl.col("rule").is_null()).select("line", "text")
    return good, list(bad.select("line", "rule", "text").iter_rows())


def _parse_lines(
    con: duckdb.DuckDBPyConnection, lines: pl.DataFrame, bad: list[tuple[int, str, str]]
) -> Iterator[pl.DataFrame]:
    """Lines that look good, parsed; should the parser refuse one all the same, halve and go on."""
    if lines.is_empty():
        return
    body = "\n".join(lines["text"]).encode() + b"\n"
    records = _read_json(con, body, lines.height, LONGEST_LINE_BYTES)
    if records is not None:
        yield records.with_columns(line=lines["line"]).select("line", pl.exclude("line"))
    elif lines.height == 1:
        bad.append((lines["line"][0], "file:json:parse", lines["text"][0]))
    else:
        half = lines.height // 2
        yield from _parse_lines(con, lines[:half], bad)
        yield from _parse_lines(con, lines[half:], bad)


def _without_not_a_number(parsed: Parsed, chunk: Chunk) -> Parsed:
    """Take out records with NaN or Infinity, which DuckDB reads as JSON.

    The pattern also finds such letters at the start of a text; the strict parser then decides.
    """
    documents = [pl.col(raw(f.column)) for f in FIELDS if f.kind == "object"]
    suspects = parsed.records.filter(
        pl.any_horizontal(document.str.contains(_NOT_A_NUMBER) for document in documents)
    )
    if suspects.is_empty():
        return parsed
    spoiled = [
        row["line"]
        for row in suspects.iter_rows(named=True)
        if any(_has_not_a_number(row[document.meta.output_name()]) for document in documents)
    ]
    texts = line_text(chunk, spoiled)
    parsed.bad += [(line, "file:json:number", texts[line]) for line in spoiled]
    parsed.records = parsed.records.filter(~pl.col("line").is_in(spoiled))
    return parsed


def _has_not_a_number(document: str | None) -> bool:


    if document is None:
        return False
    outside = re.sub(r'"(?:[^"\\]|\\.)*"', '""', document)
    return re.search(r"nan|inf", outside, re.IGNORECASE) is not None


def _decoded(line: bytes) -> str:
    return line.decode(errors="backslashreplace")
