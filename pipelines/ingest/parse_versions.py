"""Parses lines of a landing file: a frame of raw process records, and the lines that are not.

DuckDB parses a whole chunk at once. Only when it refuses a chunk are the lines checked one by one,
and only the bad ones are taken out: one line never costs its neighbours.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

import duckdb
import polars as pl

from pipelines.ingest.chunks import BLANK, MAX_LINE_BYTES, TOO_LONG_KEPT_BYTES, Chunk
from pipelines.ingest.exact_text import (
    with_exact_numbers,
    with_lower_case_ids,
    without_lone_surrogates,
)
from pipelines.ingest.json_rows import TEXT_KINDS, USUAL_LINE_BYTES, json_rows
from schemas.records.all_rules import (
    NOT_A_NUMBER,
    NOT_AN_OBJECT,
    NOT_JSON,
    NOT_UTF8,
    REPEATED_KEY,
    TOO_LONG,
)
from schemas.records.limits import raw
from schemas.records.record import FIELDS

_DOCUMENTS = [raw(f.column) for f in FIELDS if f.kind == "object"]
_NAN_OR_INFINITY = r"(?i)[:\[,]-?(?:nan|inf)"

_STRING = re.compile(rb'"(?:[^"\\]|\\.)*+"')
# DuckDB reads on where JSON does not allow a comma.
_TRAILING_COMMA = re.compile(rb",[ \t\r]*+[}\]]")

Bad = tuple[int, str, str]
"""A line that is not a record: its number, the rule it breaks, and its text."""


@dataclass
class Parsed:
    """What a chunk held: `records` (one row per record, `line` and the raw columns of
    `core_record`), `bad` lines and the number of blank ones.
    """

    records: pl.DataFrame
    blank: int = 0
    bad: list[Bad] = field(default_factory=list[Bad])


def parse_chunk(con: duckdb.DuckDBPyConnection, chunk: Chunk) -> Parsed:
    """Parse the lines of a chunk; records keep the order of the lines.

    Numbers keep all their digits, and keys of documents that are uuids come in lower case.
    """
    whole = without_lone_surrogates(chunk)
    parsed = _without_trailing_commas(_without_not_a_number(_parse(con, whole), chunk), chunk)
    if whole is not chunk:
        parsed.bad = [(n, rule, _text_of(chunk, n) or text) for n, rule, text in parsed.bad]
    parsed.records = with_exact_numbers(
        parsed.records, whole, lambda lines: _read_lines(con, lines)
    ).with_columns(pl.col(_DOCUMENTS).map_batches(with_lower_case_ids, return_dtype=pl.String))
    return parsed


def _parse(con: duckdb.DuckDBPyConnection, chunk: Chunk) -> Parsed:
    records = None
    if _looks_whole(chunk):
        records = _read_json(con, chunk.body, chunk.lines)
    if records is None or _is_nothing(records).any():
        return _screen(con, chunk)
    numbered = records.with_row_index("line", offset=chunk.first_line)
    return Parsed(numbered.cast({"line": pl.Int64}))


def _text_of(chunk: Chunk, number: int) -> str | None:
    """The text of a line; None for one of which only the start is kept."""
    is_whole = number not in chunk.too_long
    is_whole = is_whole and len(chunk.texts[number - chunk.first_line]) <= MAX_LINE_BYTES
    return line_text(chunk, [number])[number] if is_whole else None


def _looks_whole(chunk: Chunk) -> bool:
    """Whether every line starts and ends like an object; saves trying to parse what cannot be."""
    starts = chunk.body.startswith(b"{") + chunk.body.count(b"\n{")
    return starts == chunk.lines == chunk.body.count(b"}\n")


def line_text(chunk: Chunk, numbers: list[int]) -> dict[int, str]:
    """The text of some lines of a chunk, by line number, without blanks around it."""
    return {n: decoded(chunk.texts[n - chunk.first_line].strip(BLANK)) for n in numbers}


def _read_json(
    con: duckdb.DuckDBPyConnection,
    body: bytes,
    lines: int,
    longest: int = USUAL_LINE_BYTES,
    *,
    tolerant: bool = False,
) -> pl.DataFrame | None:
    """All lines as records, or None when a line is blank or DuckDB refuses one.

    With `tolerant` a refused line becomes a row without a value, but a repeated key goes unseen.
    """
    with json_rows(con, body, longest=longest, tolerant=tolerant) as (query, params):
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
    return column if kind in TEXT_KINDS else pl.when(column != "null").then(column)


def _is_nothing(records: pl.DataFrame) -> pl.Series:
    """Where a record has no value at all: `null`, `{}`, or a line that was refused."""
    nothing = records[raw("process_id")].is_null()
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
        if start is None and len(line) > MAX_LINE_BYTES:
            start = line[:TOO_LONG_KEPT_BYTES]
        if start is not None:
            parsed.bad.append((number, TOO_LONG.id, decoded(start)))
        elif text := line.strip(BLANK):
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
    validated: list[tuple[int, str]] = []
    texts: dict[int, str] = {}
    for number, line in lines.items():
        try:
            texts[number] = line.decode()
        except UnicodeDecodeError:
            validated.append((number, NOT_UTF8.id))
    query = """
        with validated as (
            select line, text, json_valid(text) as is_json from texts
        ), typed as (
            select *, case when is_json then json_type(text) end as type from validated
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
        return validated + con.execute(query, params).fetchall()
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
    validated = find_bad_lines(con, _refused(con, lines)) or find_bad_lines(con, lines)
    for number, rule in validated:
        bad.append((number, rule, decoded(lines[number])))
    rest = {number: line for number, line in lines.items() if number not in dict(validated)}
    if validated:
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
    longest = max(USUAL_LINE_BYTES, *map(len, lines.values()))
    records = _read_json(con, body, len(lines), longest, tolerant=tolerant)
    if records is None:
        return None
    numbers = pl.Series("line", list(lines), dtype=pl.Int64)
    return records.insert_column(0, numbers)


def _without_not_a_number(parsed: Parsed, chunk: Chunk) -> Parsed:
    """Take out records with NaN or Infinity in a document, which DuckDB reads as JSON.

    The pattern also finds such letters at the start of a text; the strict search then decides.
    """
    suspects = parsed.records.select("line", *_DOCUMENTS).filter(
        pl.any_horizontal(pl.col(_DOCUMENTS).str.contains(_NAN_OR_INFINITY))
    )
    bad = [line for line, *texts in suspects.iter_rows() if any(map(has_nan, texts))]
    if bad:
        texts = line_text(chunk, bad)
        parsed.bad += [(line, NOT_A_NUMBER.id, texts[line]) for line in bad]
        parsed.records = parsed.records.filter(~pl.col("line").is_in(bad))
    return parsed


def _without_trailing_commas(parsed: Parsed, chunk: Chunk) -> Parsed:
    """Take out records with a comma before a closing bracket."""
    if not may_have_trailing_comma(chunk.body):
        return parsed
    numbers = parsed.records["line"].to_list()
    bad = [n for n in numbers if has_trailing_comma(chunk.texts[n - chunk.first_line])]
    texts = line_text(chunk, bad)
    parsed.bad += [(line, NOT_JSON.id, texts[line]) for line in bad]
    parsed.records = parsed.records.filter(~pl.col("line").is_in(bad))
    return parsed


def may_have_trailing_comma(text: bytes) -> bool:
    """Whether a comma stands before a closing bracket, perhaps within a string."""
    return _TRAILING_COMMA.search(text) is not None


def has_trailing_comma(line: bytes) -> bool:
    """Whether a comma stands before a closing bracket outside the strings of a JSON text."""
    return may_have_trailing_comma(line) and may_have_trailing_comma(_STRING.sub(b'""', line))


def has_nan(document: str | None) -> bool:
    """Whether a JSON document has NaN or Infinity outside its strings."""
    outside = re.sub(r'"(?:[^"\\]|\\.)*+"', '""', document or "")
    return re.search(r"nan|inf", outside, re.IGNORECASE) is not None


def decoded(line: bytes) -> str:
    """A line as text, whatever its bytes."""
    return line.decode(errors="backslashreplace")
