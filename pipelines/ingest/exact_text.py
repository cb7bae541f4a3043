"""Keeps text of records as it was sent where DuckDB's JSON reader would change or refuse it."""

import re
import uuid
from collections.abc import Callable
from dataclasses import replace

import polars as pl

from pipelines.ingest.chunks import BLANK, Chunk

# Pairs of escapes that are one character come before halves, and escaped backslashes before both.
_SURROGATE = re.compile(
    rb"\\\\|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    rb"|(\\u[dD][89a-fA-F][0-9a-fA-F]{2})"
)
_MAY_BE_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")

# A double holds 15 digits of any number. Most lines have no longer run of digits, as is soon seen
# where each digit is written as 0.
_LONG_RUN = 16 * b"0"
_DIGITS_AS_0 = bytes.maketrans(b"123456789.", 10 * b"0")
_DIGITS = rb"-?(?=[0-9.]{16})[0-9]+(?:\.[0-9]+(?:[eE][-+]?[0-9]+)?|[eE][-+]?[0-9]+)"
_INEXACT = re.compile(rb"[:\[,]\s*" + _DIGITS + rb"\s*[,\]}]")
_TEXT_OR_DIGITS = re.compile(rb'"(?:[^"\\]|\\.)*+"|(' + _DIGITS + rb")")
# A number that DuckDB would read as a double travels as a text with this prefix. It differs from
# process to process, so that no text in the data can be taken for it.
_PREFIX = f"number:{uuid.uuid4().hex}:"

_HEX = "[0-9a-fA-F]"
_UUID_KEY = rf'"({_HEX}{{8}}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{12}})"\s*:'
_MAY_BE_UPPER_CASE = r'"[0-9a-f-]{0,35}[A-F][0-9a-fA-F-]{0,35}"\s*:'


def without_lone_surrogates(chunk: Chunk) -> Chunk:
    """The chunk with U+FFFD for each escaped surrogate that has no partner.

    JSON permits such escapes, but they are not characters and DuckDB refuses the whole line.
    """
    if not _MAY_BE_SURROGATE.search(chunk.body):
        return chunk
    body = _SURROGATE.sub(lambda m: rb"\ufffd" if m[1] else m[0], chunk.body)
    return chunk if body == chunk.body else replace(chunk, body=body)


def has_inexact_number(text: bytes) -> bool:
    """Whether lines may have a number of more digits than DuckDB's JSON reader keeps."""
    return _LONG_RUN in text.translate(_DIGITS_AS_0) and _INEXACT.search(text) is not None


def with_exact_numbers(
    records: pl.DataFrame,
    chunk: Chunk,
    read: Callable[[dict[int, bytes]], pl.DataFrame | None],
) -> pl.DataFrame:
    """The `records` of a chunk with all digits of their numbers, which DuckDB reads as doubles.

    `read` parses lines, given by their numbers, into records.
    """
    if not has_inexact_number(chunk.body):
        return records
    texts = chunk.texts
    found = {number: texts[number - chunk.first_line] for number in records["line"]}
    marked = {
        number: _TEXT_OR_DIGITS.sub(_marked, line).strip(BLANK)
        for number, line in found.items()
        if has_inexact_number(line)
    }
    exact = read(marked) if marked else None
    if exact is None:
        return records
    exact = exact.with_columns(
        pl.exclude("line").str.replace_all(rf'"?{_PREFIX}([-+.0-9eE]+)"?', "$1")
    )
    others = records.filter(~pl.col("line").is_in(exact["line"].implode()))
    return pl.concat([others, exact]).sort("line")


def _marked(found: re.Match[bytes]) -> bytes:
    digits = found[1]
    return b'"%s%s"' % (_PREFIX.encode(), digits) if digits else found[0]


def with_lower_case_ids(documents: pl.Series) -> pl.Series:
    """JSON objects with their keys that are uuids in lower case, as attribute ids are compared.

    A key stays as it is where the object has it in lower case too.
    """
    is_due = documents.str.contains(_MAY_BE_UPPER_CASE).fill_null(value=False)
    if not is_due.any():
        return documents
    lowered = [_lowered(text) for text in documents.filter(is_due)]
    return documents.scatter(is_due.arg_true(), lowered)


def _lowered(text: str) -> str:
    keys = set(re.findall(_UUID_KEY, text))
    taken = {key for key in keys if key == key.lower()}
    names: dict[str, str] = {}
    for key in sorted(keys - taken):
        if key.lower() not in taken:
            taken.add(key.lower())
            names[key] = key.lower()
    return re.sub(_UUID_KEY, lambda m: m[0].replace(m[1], names.get(m[1], m[1])), text)
