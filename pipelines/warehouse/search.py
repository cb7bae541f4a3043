"""A search for values in every column of databases, and in the bytes of any file."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Self

import duckdb

from schemas.sql_text import literal, quoted

# Shorter ones stand in many places by chance.
LEAST_TEXT_BYTES = 5
LEAST_DIGITS = 7
_FEW = 64  # so many are searched for one by one
_BLOCK_BYTES = 8 * 2**20
_LONGEST = 4_096  # of a longer value its start is searched for
_NUMBER = re.compile(r"[-+0-9.,:eE/ ]+")


@dataclass(frozen=True)
class Needles:
    """Values to search for, each as a whole word and in any case; make them with `of`."""

    texts: tuple[str, ...] = ()

    @classmethod
    def of(cls, texts: Iterable[str]) -> Self:
        """The values that are long enough to be found nowhere by chance."""
        found = {text.strip()[:_LONGEST].strip() for text in texts}
        return cls(tuple(sorted(filter(_is_distinctive, found))))

    def without(self, others: Iterable[str]) -> Needles:
        """The values that are not among `others`."""
        return Needles(tuple(sorted({*self.texts} - {*others})))

    @cached_property
    def forms(self) -> tuple[str, ...]:
        """The values in lower case, as they are and as they are written in JSON."""
        found: set[str] = set()
        for text in map(str.lower, self.texts):
            in_json = (json.dumps(text, ensure_ascii=ascii_)[1:-1] for ascii_ in (True, False))
            found |= {text, *in_json}
        return tuple(sorted(found))

    def count_in(self, text: str) -> int:
        """How often a text holds one of the values, as a whole word."""
        return len(self._words.findall(text.lower())) if self.texts else 0

    def count_in_bytes(self, content: bytes) -> int:
        """How often bytes hold one of the values in UTF-8, as a whole word."""
        lower = content.lower()
        if not any(form in lower for form in self._bytes):
            return 0
        return self.count_in(content.decode(errors="replace"))

    def found_in(self, text: str) -> list[str]:
        """The values that a text holds."""
        lower = text.lower()
        return [
            single.texts[0]
            for single in self._singles
            if any(form in lower for form in single.forms) and single.count_in(text)
        ]

    @cached_property
    def _singles(self) -> tuple[Needles, ...]:
        return tuple(Needles((text,)) for text in self.texts)

    @cached_property
    def _words(self) -> re.Pattern[str]:
        alternatives = "|".join(map(re.escape, self.forms))
        return re.compile(f"(?<![0-9A-Za-z])(?:{alternatives})(?![0-9A-Za-z])")

    @cached_property
    def _bytes(self) -> tuple[bytes, ...]:
        return tuple(form.encode() for form in self.forms)


@dataclass
class Matches:
    """Where values were found: cells by column and hits by file; and how much was searched."""

    columns: int = 0
    files: int = 0
    places: dict[str, int] = field(default_factory=dict[str, int])

    @property
    def total(self) -> int:
        return sum(self.places.values())

    def add(self, place: str, n: int) -> None:
        """Count what was found in a place, which is listed only where it was."""
        if n:
            self.places[place] = self.places.get(place, 0) + n


def search_database(
    con: duckdb.DuckDBPyConnection, database: str, needles: Needles, matches: Matches, *, name: str
) -> None:
    """Search every column of an attached database; `name` is what the places are called after."""
    query = """
        select schema_name, table_name, list(column_name order by column_index)
        from duckdb_columns()
        inner join duckdb_tables() using (database_name, schema_name, table_name)
        where database_name = $database
        group by all order by all
    """
    for schema, table, columns in con.execute(query, {"database": database}).fetchall():
        relation = f"{quoted(database)}.{quoted(schema)}.{quoted(table)}"
        matches.columns += len(columns)
        for column, n in count_cells(con, relation, columns, needles).items():
            matches.add(f"{name} {schema}.{table}.{column}", n)


def count_cells(
    con: duckdb.DuckDBPyConnection, relation: str, columns: Sequence[str], needles: Needles
) -> dict[str, int]:
    """By column, how many cells of a relation hold a value; only columns where there are some."""
    texts = ", ".join(f"{quoted(column)}::varchar" for column in columns)
    # A character that no value holds keeps the cells of a row apart.
    condition = holds(f"concat_ws(chr(1), {texts})", needles)
    found: dict[str, int] = {}
    for row in con.execute(f"select {texts} from {relation} where {condition}").fetchall():
        for column, text in zip(columns, row, strict=True):
            if text is not None and needles.count_in(text):
                found[column] = found.get(column, 0) + 1
    return found


def holds(expression: str, needles: Needles) -> str:
    """SQL: whether a text may hold one of the values; `Needles.count_in` then decides."""
    if not needles.texts:
        return "false"
    lower = f"lower({expression})"
    if len(needles.forms) <= _FEW:
        tests = " or ".join(f"contains({lower}, {literal(form)})" for form in needles.forms)
    else:
        pattern = "|".join(map(_escaped, needles.forms))
        tests = f"regexp_matches({lower}, {literal(pattern)})"
    return f"coalesce({tests}, false)"


def search_file(path: Path, needles: Needles, matches: Matches, *, name: str) -> None:
    """Search the bytes of a file and its name; a compressed file is searched as it is."""
    matches.files += 1
    found = needles.count_in_bytes(path.name.encode(errors="surrogateescape"))
    for block in _overlapping(path):
        found += needles.count_in_bytes(block)
    matches.add(name, found)


def _overlapping(path: Path) -> Iterator[bytes]:
    """The blocks of a file, each with the end of the one before it."""
    rest = b""
    with path.open("rb") as file:
        while block := file.read(_BLOCK_BYTES):
            yield rest + block
            rest = block[-4 * _LONGEST :]


def _is_distinctive(text: str) -> bool:
    if _NUMBER.fullmatch(text):
        return sum(character.isdigit() for character in text) >= LEAST_DIGITS
    return len(text.encode()) >= LEAST_TEXT_BYTES


def _escaped(text: str) -> str:
    """A text as a regular expression of DuckDB."""
    return re.sub(r"[^\w ]", lambda found: f"\\x{{{ord(found[0]):x}}}", text)
