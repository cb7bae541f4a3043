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

from pipelines.landing import KEPT_OF_TOO_LONG, LONGEST_LINE_BYTES, Chunk
from schemas.core_record import FIELDS, raw
from schemas.rule_book import (
    NOT_A_NUMBER,
    NOT_AN_OBJECT,
    NOT_JSON,
    NOT_UTF8,
    REPEATED_KEY,
    TOO_LONG,
)

# DuckDB reads with buffers of twice the longest line it may meet; few lines are longer than this.
_USUAL_LINE_BYTES = 2 * 2**20
_BLANK = b" \t\r\n\v\f"
_TEXT_KINDS = ("uuid", "status", "state")
_NAN_OR_INFINITY = r"(?i)[:\[,]-?(?:nan|inf)"

Bad = tuple[int, str, str]
"""A line that is no record: its number, the rule it breaks, and its text."""


@dataclass
class Parsed:
    """What a chunk held: `records` (one row per record, `line` and the raw columns of
    `core_record`), `bad` lines and the number of blank ones.
    """

    records: pl.DataFrame
    blank: int = 0
    bad: list[Bad] = field(default_factory=list[Bad])


def parse_chunk(con: duckdb.DuckDBPyConnection, chunk: Chunk) -> Parsed:
    """Parse the lines of a chunk; records keep the order of the lines."""
    records = None
    if _looks_whole(chunk):
        records = _read_json(con, chunk.body, chunk.lines)
    if records is None or _is_nothing(records).any():
        return _without_not_a_number(_screen(con, chunk), chunk)
    numbered = records.with_row_index("line", offset=chunk.first_line)
    return _without_not_a_number(Parsed(numbered.cast({"line": pl.Int64})), chunk)


def _looks_whole(chunk: Chunk) -> bool:
    """Whether every line starts and ends like an object; saves trying to parse what cannot be."""
    starts = chunk.body.startswith(b"{") + chunk.body.count(b"\n{")
    return starts == chunk.lines == chunk.body.count(b"}\n")


def line_text(chunk: Chunk, numbers: list[int]) -> dict[int, str]:
    """The text of some lines of a chunk, by line number."""
    return {n: decoded(chunk.texts[n - chunk.first_line]) for n in numbers}


def _read_json(
    con: duckdb.DuckDBPyConnection,
    body: bytes,
    lines: int,
    longest: int = _USUAL_LINE_BYTES,
    *,
    tolerant: bool = False,
) -> pl.DataFrame | None:
    """All lines as records, or None when a line is blank or DuckDB refuses one.

    With `tolerant` a refused line becomes a row without a value, but a repeated key goes unseen.
    """
    columns = {f.name: "VARCHAR" if f.kind in _TEXT_KINDS else "JSON" for f in FIELDS}
    with tempfile.NamedTemporaryFile(prefix="leadtime-", suffix=".ndjson") as file:
        Path(file.name).write_bytes(body)
        query = """
            select * from read_json(
                $file, format = 'newline_delimited', columns = $columns,
                maximum_object_size = $longest, compression = 'uncompressed',
                ignore_errors = $tolerant
            )
        """
        params = {"file": file.name, "columns": columns, "longest": longest, "tolerant": tolerant}
        try:
            frame = con.sql(query, params=params).pl()
        except duckdb.InvalidInputException:
            return None
    if frame.height != lines:
        return None
    return frame.select(_raw_text(f.name, f.kind).alias(raw(f.column)) for f in FIELDS)


def _raw_text(name: str, kind: str) -> pl.Expr:
    # The text "null" is a bad identifier; a JSON null is nothing.
    column = pl.col(name)
    return column if kind in _TEXT_KINDS else pl.when(column != "null").then(column)


def _is_nothing(records: pl.DataFrame) -> pl.Series:
    """Where a record has no value at all: `null`, `{}`, or a line that was refused."""
    nothing = records["process_id:raw"].is_null()
    if not nothing.any():
        return nothing
    return records.select(pl.all_horizontal(pl.exclude("line").is_null())).to_series()


def _screen(con: duckdb.DuckDBPyConnection, chunk: Chunk) -> Parsed:
    """The slow way: take out blank and bad lines, then parse the rest at once."""
    lines, parsed = split_chunk(chunk)
    broken = {n: line for n, line in lines.items() if line[:1] != b"{" or line[-1:] != b"}"}
    for number, rule in find_bad_lines(con, broken):
        parsed.bad.append((number, rule, decoded(lines.pop(number))))
    parsed.records = pl.concat([_NO_RECORDS, *_parse_lines(con, lines, parsed.bad)])
    return parsed


def split_chunk(chunk: Chunk) -> tuple[dict[int, bytes], Parsed]:
    """The lines of a chunk that hold something, by number, and the others, without records."""
    parsed = Parsed(pl.DataFrame())
    lines: dict[int, bytes] = {}
    for number, line in enumerate(chunk.texts, chunk.first_line):
        start = chunk.too_long.get(number)
        if start is None and len(line) > LONGEST_LINE_BYTES:
            start = line[:KEPT_OF_TOO_LONG]
        if start is not None:
            parsed.bad.append((number, TOO_LONG.id, decoded(start)))
        elif text := line.strip(_BLANK):
            lines[number] = text
        else:
            parsed.blank += 1
    return lines, parsed


_NO_RECORDS = pl.DataFrame(schema={"line": pl.Int64} | {raw(f.column): pl.String for f in FIELDS})


def _refused(con: duckdb.DuckDBPyConnection, lines: dict[int, bytes]) -> dict[int, bytes]:
    """The lines that DuckDB does not read, or reads as nothing."""
    records = _read_lines(con, lines, tolerant=True)
    if records is None:
        return lines
    nothing = _is_nothing(records)
    return {number: lines[number] for number in records["line"].filter(nothing)}


def find_bad_lines(
    con: duckdb.DuckDBPyConnection, lines: dict[int, bytes]
) -> list[tuple[int, str]]:
    """The lines that are no JSON object or have a field of the record twice, and the rule."""
    judged: list[tuple[int, str]] = []
    texts: dict[int, str] = {}
    for number, line in lines.items():
        try:
            texts[number] = line.decode()
        except UnicodeDecodeError:
            judged.append((number, NOT_UTF8.id))
    query = """
        with judged as (
            select line, text, json_valid(text) as is_json from texts
        ), typed as (
            select *, case when is_json then json_type(text) end as type from judged
        ), keyed as (
            select *, case when type = 'OBJECT' then list_filter(
                json_keys(text), lambda k: list_contains($fields, k)
            ) end as keys from typed
        )
        select line, case
            when not is_json then $not_json
            when type <> 'OBJECT' then $not_an_object
            when len(list_distinct(keys)) < len(keys) then $repeated
        end as rule
        from keyed where rule is not null order by line
    """
    params = {
        "fields": [f.name for f in FIELDS],
        "not_json": NOT_JSON.id,
        "not_an_object": NOT_AN_OBJECT.id,
        "repeated": REPEATED_KEY.id,
    }
    schema = {"line": pl.Int64, "text": pl.String}
    con.register("texts", pl.DataFrame(list(texts.items()), schema=schema, orient="row"))
    try:
        return judged + con.execute(query, params).fetchall()
    finally:
        con.unregister("texts")


def _parse_lines(
    con: duckdb.DuckDBPyConnection, lines: dict[int, bytes], bad: list[Bad]
) -> Iterator[pl.DataFrame]:
    """Lines that look good, parsed; should DuckDB refuse one all the same, it is searched for."""
    records = _read_lines(con, lines)
    if records is not None:
        yield records
        return
    judged = find_bad_lines(con, _refused(con, lines)) or find_bad_lines(con, lines)
    for number, rule in judged:
        bad.append((number, rule, decoded(lines[number])))
    rest = {number: line for number, line in lines.items() if number not in dict(judged)}
    if judged:
        yield from _parse_lines(con, rest, bad)
    elif len(rest) == 1:
        bad += [(number, NOT_JSON.id, decoded(line)) for number, line in rest.items()]
    else:
        numbers = list(rest)
        for half in (numbers[: len(numbers) // 2], numbers[len(numbers) // 2 :]):
            yield from _parse_lines(con, {number: rest[number] for number in half}, bad)


def _read_lines(
    con: duckdb.DuckDBPyConnection, lines: dict[int, bytes], *, tolerant: bool = False
) -> pl.DataFrame | None:
    if not lines:
        return _NO_RECORDS
    body = b"\n".join([*lines.values(), b""])
    longest = max(_USUAL_LINE_BYTES, *map(len, lines.values()))
    records = _read_json(con, body, len(lines), longest, tolerant=tolerant)
    if records is None:
        return None
    numbers = pl.Series("line", list(lines), dtype=pl.Int64)
    return records.insert_column(0, numbers)


def _without_not_a_number(parsed: Parsed, chunk: Chunk) -> Parsed:
    """Take out records with NaN or Infinity in a document, which DuckDB reads as JSON.

    The pattern also finds such letters at the start of a text; the strict search then decides.
    """
    documents = [raw(f.column) for f in FIELDS if f.kind == "object"]
    suspects = parsed.records.select("line", *documents).filter(
        pl.any_horizontal(pl.col(documents).str.contains(_NAN_OR_INFINITY))
    )
    spoiled = [line for line, *texts in suspects.iter_rows() if any(map(has_nan, texts))]
    if spoiled:
        texts = line_text(chunk, spoiled)
        parsed.bad += [(line, NOT_A_NUMBER.id, texts[line]) for line in spoiled]
        parsed.records = parsed.records.filter(~pl.col("line").is_in(spoiled))
    return parsed


def has_nan(document: str | None) -> bool:
    """Whether NaN or Infinity stands in a JSON document, outside its texts."""
    outside = re.sub(r'"(?:[^"\\]|\\.)*+"', '""', document or "")
    return re.search(r"nan|inf", outside, re.IGNORECASE) is not None


def decoded(line: bytes) -> str:
    """A line as text, whatever its bytes."""
    return line.decode(errors="backslashreplace")
