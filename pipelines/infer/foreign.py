"""Files of another shape: their columns as a source would read them, and what the values look like.

Values stay in the frame of the file: messages have counts and names of columns only.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice
from pathlib import Path

import duckdb
import polars as pl

from pipelines.infer.documents import Structure, find_structure
from pipelines.infer.layout import find_delimiter, find_encoding
from pipelines.infer.proposal import UUID_PATTERN
from pipelines.ingest.formats import find_format_of_source
from pipelines.ingest.landing import landing_file
from pipelines.ingest.landing_file import LandingFile, UnreadableFile
from pipelines.ingest.sources.convert import READERS
from pipelines.ingest.sources.read_csv import csv_rows
from pipelines.ingest.sources.read_sheet import sheet_rows
from pipelines.ingest.sources.rows import Row
from pipelines.warehouse.engine import connect_in_memory
from schemas.definitions.source import Source
from schemas.records.dimensions import DIMENSIONS
from schemas.records.limits import EARLIEST_MS, LATEST_PLANNED_MS
from schemas.sql_text import literal, quoted

MOST_ROWS = 100_000
"""The rows of a file that are looked at."""
TABLES = ("csv", "tsv", "xlsx")
# Dates that are no ISO dates, in families that a column may mix: where all days are below 13, the
# first of two that fit is a guess.
DATE_FORMATS: tuple[tuple[str, ...], ...] = (
    ("%d.%m.%Y %H:%M:%S", "%d.%m.%Y %H:%M", "%d.%m.%Y"),
    ("%d/%m/%Y %H:%M:%S", "%d/%m/%Y %H:%M", "%d/%m/%Y"),
    (
        "%m/%d/%Y %I:%M:%S %p", "%m/%d/%Y %I:%M %p", "%m/%d/%Y %H:%M:%S", "%m/%d/%Y %H:%M",
        "%m/%d/%Y",
    ),
    ("%d-%m-%Y %H:%M:%S", "%d-%m-%Y %H:%M", "%d-%m-%Y"),
    ("%Y/%m/%d %H:%M:%S", "%Y/%m/%d %H:%M", "%Y/%m/%d"),
    ("%d %b %Y %H:%M", "%d %b %Y"),
    ("%d/%b/%y %I:%M %p", "%d/%b/%y %H:%M", "%d/%b/%y"),
    ("%d-%b-%Y %H:%M:%S", "%d-%b-%Y %H:%M", "%d-%b-%Y"),
    ("%b %d, %Y %I:%M %p", "%b %d, %Y"),
)  # fmt: skip
ISO, MILLISECONDS, SECONDS = "iso", "milliseconds", "seconds"
_TIMES: tuple[tuple[str, ...], ...] = ((ISO,), (MILLISECONDS,), (SECONDS,), *DATE_FORMATS)
_MOSTLY = 0.95
_SOME = 4
_MOST_COLUMNS = 500
# The texts of so many columns are in memory at a time.
_COLUMNS_AT_A_TIME = 50


@dataclass(frozen=True)
class Column:
    """A column, or the path of a value in JSON, and what its values are.

    `counts` has how many of the `values` look like a uuid, a number, a time of some form, ...
    """

    name: str
    values: int
    distinct: int
    counts: dict[str, int]

    def is_mostly(self, form: str) -> bool:
        """Whether nearly all values have a form; dirty ones become nothing."""
        return self._are_enough(self.counts[form])

    def is_all(self, form: str) -> bool:
        """Whether all values have a form, and there is one."""
        return self.values > 0 and self.counts[form] == self.values

    @cached_property
    def times(self) -> list[tuple[str, ...]]:
        """Every way in which the values may be times: those of a family of formats together."""
        return [
            tuple(form for form in family if self.counts[form])
            for family in _TIMES
            if self._are_enough(sum(self.counts[form] for form in family))
        ]

    def _are_enough(self, n: int) -> bool:
        """Of few values one may be wrong."""
        allowed = max(self.values - _MOSTLY * self.values, self.values >= _SOME)
        return 0 < self.values <= n + allowed

    @property
    def is_time(self) -> bool:
        return bool(self.times)

    @property
    def lacks_zone(self) -> bool:
        """Whether the values are times, and some of them do not say of which time zone."""
        return self.is_local_date or (
            bool(self.times) and self.times[0][0] == ISO and self.counts["zoned"] < self.counts[ISO]
        )

    @property
    def is_local_date(self) -> bool:
        """Whether the values are dates that need a format to be read."""
        return bool(self.times) and self.times[0][0] not in (ISO, MILLISECONDS, SECONDS)


@dataclass(frozen=True)
class Foreign:
    """The rows of a file: `frame` has the text of each column under its name.

    `source` reads them: it says the encoding, the delimiter and where records are in a document.
    `structure` is what documents of JSON hold besides. `earlier` are lists of the same processes
    that were taken before, and `name` is then that of all of them.
    """

    path: Path
    file: LandingFile
    source: Source
    frame: pl.DataFrame
    columns: list[Column]
    structure: Structure | None = None
    name: str = ""
    earlier: tuple["Foreign", ...] = ()

    @property
    def rows(self) -> int:
        return self.frame.height

    @property
    def is_text(self) -> bool:
        """Whether every value is text, as in CSV."""
        return self.file.format in ("csv", "tsv")

    @property
    def stem(self) -> str:
        """The name of the file without its endings, unless it is that of a file of names."""
        if self.name:
            return self.name
        stem = self.path.name.partition(".")[0]
        return stem if stem and stem not in DIMENSIONS else "processes"

    @cached_property
    def by_name(self) -> dict[str, Column]:
        return {column.name: column for column in self.columns}

    def values_of(self, name: str) -> list[str]:
        """The different values of a column, in the order in which they come, from all lists."""
        frames = [*(one.frame for one in self.earlier), self.frame]
        values = pl.concat([frame[name].drop_nulls() for frame in frames])
        return values.unique(maintain_order=True).to_list()

    def dates_of(self, used: Iterable[Column]) -> tuple[str, ...]:
        """The formats that read the times of these columns, as few families as can be."""
        formats: dict[str, None] = {}
        columns = [column for column in used if column.times]
        # What can be read in one way only decides how the others are read.
        for column in sorted(columns, key=lambda c: len(c.times)):
            known = [t for t in column.times if set(t) & formats.keys()]
            formats |= dict.fromkeys((known or column.times)[0])
        return tuple(f for family in _TIMES for f in family if f in formats and f != ISO)


def has_unclear_dates(columns: Iterable[Column]) -> bool:
    """Whether nothing tells days from months in the local dates of a file."""
    local = [column for column in columns if column.is_local_date]
    return bool(local) and all(len(column.times) > 1 for column in local)


def file_of(path: Path) -> LandingFile | None:
    """The file as one that a source reads; None when its name has no ending of such a format."""
    if find_format_of_source(path.suffixes) is None:
        return None
    reader = Source(name="any", shape="records", files=("*",), procedure="any")
    return landing_file(path.resolve(), path.name, path.stat(), sources=[reader])


def read_foreign(path: Path) -> Foreign | None:
    """The rows of a file, at most `MOST_ROWS`; None if it has none, or they are not objects.

    Raises `UnreadableFile` when it cannot be read to the end of these rows.
    """
    file = file_of(path)
    if file is None or file.source is None:
        return None
    reader, structure = file.source, None
    con = connect_in_memory()
    try:
        if file.format in TABLES:
            if file.format != "xlsx":
                encoding = find_encoding(file)
                delimiter = find_delimiter(file, encoding)
                reader = _with(reader, encoding=encoding, delimiter=delimiter)
            names = _header(file, reader)
        else:
            structure = find_structure(file, con)
            names = structure.paths
            if structure.items:
                reader = _with(reader, shape="envelope", items=structure.items)
        names = [name for name in names if name == name.strip() and name and "\n" not in name]
        names = [name for name in dict.fromkeys(names) if names.count(name) == 1][:_MOST_COLUMNS]
        if not names:
            return None
        reader = _with(reader, attributes={name: name for name in names}, fields={"id": names[0]})
        rows = READERS[file.format](file, reader, con)
        order = list(dict.fromkeys([names[0], *names]))
        cells = [row.cells for row in islice(rows, MOST_ROWS) if row.cells is not None]
        frame = pl.DataFrame(cells, schema=dict.fromkeys(order, pl.String), orient="row")
        if not frame.height:
            raise UnreadableFile("it has no rows below its header")
        columns = _counted(con, frame)
        if any(_has_decimal_comma(column) for column in columns):
            reader = _with(reader, decimal=",")
    finally:
        con.close()
    return Foreign(path, replace(file, source=reader), reader, frame, columns, structure)


def _with(source: Source, **changes: object) -> Source:
    return source.model_copy(update=changes)


def _header(file: LandingFile, source: Source) -> list[str]:
    rows: Iterable[Row] = (
        sheet_rows(file)
        if file.format == "xlsx"
        else csv_rows(file, source.encoding, str(source.delimiter))
    )
    for row in rows:
        if row.cells and any(cell and cell.strip() for cell in row.cells):
            return [(cell or "").strip() for cell in row.cells]
    raise UnreadableFile("it has no rows")


def _has_decimal_comma(column: Column) -> bool:
    is_number = column.is_mostly("comma_number") and not column.is_mostly("number")
    return is_number and column.counts["comma"] > 0


def _counted(con: duckdb.DuckDBPyConnection, frame: pl.DataFrame) -> list[Column]:
    con.execute("set timezone = 'UTC'").fetchall()
    con.register("lines", frame)
    forms = ", ".join(
        f"coalesce(sum(n) filter ({condition}), 0)::bigint" for condition in _FORMS.values()
    )
    found: dict[int, list[int]] = {}
    for first in range(0, frame.width, _COLUMNS_AT_A_TIME):
        names = frame.columns[first : first + _COLUMNS_AT_A_TIME]
        selected = (f'{quoted(name)} as "{n}"' for n, name in enumerate(names, first))
        query = f"""
            with cells as (
                unpivot (select {", ".join(selected)} from lines)
                on columns(*) into name column_no value t
            ),
            texts as (select column_no, t, count(*) as n from cells group by column_no, t)
            select column_no::integer, sum(n)::bigint, count(*), {forms}
            from texts group by column_no
        """
        found |= {column_no: counts for column_no, *counts in con.execute(query).fetchall()}
    nothing = [0] * (2 + len(_FORMS))
    columns: list[Column] = []
    for n, name in enumerate(frame.columns):
        values, distinct, *counts = found.get(n, nothing)
        columns.append(Column(name, values, distinct, dict(zip(_FORMS, counts, strict=True))))
    con.unregister("lines")
    return columns


_IN_RANGE = "between timestamp '1990-01-01' and timestamp '2100-01-01'"
_FORMS = {
    "uuid": f"regexp_full_match(t, {literal(UUID_PATTERN)})",
    "number": r"regexp_full_match(t, '[-+]?(0|[1-9]\d*|[1-9]\d{0,2}(,\d{3})+)(\.\d+)?')",
    "comma_number": r"regexp_full_match(t, '[-+]?(0|[1-9]\d*|[1-9]\d{0,2}([. ]\d{3})+)(,\d+)?')",
    "comma": r"regexp_full_match(t, '[-+]?[\d. ]+,(\d|\d\d|\d{4,})') or "
    r"regexp_full_match(t, '[-+]?\d{1,3}(\.\d{3})+,\d+')",
    "zoned": r"regexp_matches(t, '^\d{4}-\d\d-\d\d.*(Z|[-+]\d\d(:?\d\d)?)$')",
    "boolean": "lower(t) in ('true', 'false')",
    "list": "t[1] = '['",
    "object": "t[1] = '{'",
    "status": "upper(trim(t)) in ('OPEN', 'COMPLETED', 'CANCELLED')",
    ISO: r"regexp_matches(t, '^\d{4}-\d\d-\d\d') and try_cast(t as timestamptz) is not null",
    MILLISECONDS: f"try_cast(t as bigint) between {EARLIEST_MS} and {LATEST_PLANNED_MS}",
    SECONDS: (
        f"try_cast(t as double) between {EARLIEST_MS // 1000} and {LATEST_PLANNED_MS // 1000}"
    ),
    **{
        form: f"try_strptime(t, {literal(form)}) {_IN_RANGE}"
        for family in DATE_FORMATS
        for form in family
    },
}
