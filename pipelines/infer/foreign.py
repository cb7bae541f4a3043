"""Files of another shape: the keys of their lines and counts of what the values look like.

No value leaves this module.
"""

from dataclasses import dataclass
from pathlib import Path

import duckdb

from pipelines.infer.proposal import UUID_PATTERN
from pipelines.ingest.formats import COMPRESSIONS
from pipelines.warehouse.engine import connect_in_memory
from schemas.records.dimensions import DIMENSIONS
from schemas.records.limits import EARLIEST_MS, LATEST_PLANNED_MS
from schemas.sql_text import literal, quoted

# Values that are looked at; keys are looked for in all lines.
_ROWS = 100_000
_TABLES = frozenset([".csv", ".tsv"])
# Dates that are no ISO dates, in the order in which they are tried: where all days are below 13,
# the first of two that fit is a guess.
DATE_FORMATS = (
    "%d.%m.%Y %H:%M:%S", "%d.%m.%Y %H:%M", "%d.%m.%Y",
    "%d/%m/%Y %H:%M:%S", "%d/%m/%Y %H:%M", "%d/%m/%Y",
    "%m/%d/%Y %H:%M:%S", "%m/%d/%Y %H:%M", "%m/%d/%Y %I:%M %p", "%m/%d/%Y",
    "%Y/%m/%d %H:%M:%S", "%Y/%m/%d %H:%M", "%Y/%m/%d",
    "%d %b %Y %H:%M", "%d %b %Y", "%b %d, %Y",
)  # fmt: skip
ISO, MILLISECONDS, SECONDS = "iso", "milliseconds", "seconds"


@dataclass(frozen=True)
class Column:
    """A key and what its values are: `text` is the SQL that gives a value as text.

    `counts` has how many of the `values` look like a uuid, a number, a time of some form, ...
    """

    name: str
    text: str
    values: int
    distinct: int
    counts: dict[str, int]

    def is_mostly(self, form: str) -> bool:
        """Whether nearly all values have a form; dirty ones become nothing."""
        return self.values > 0 and self.counts[form] >= _MOSTLY * self.values

    def is_all(self, form: str) -> bool:
        return self.values > 0 and self.counts[form] == self.values

    @property
    def time_form(self) -> str | None:
        """How a time is written: ISO, MILLISECONDS, SECONDS or one of DATE_FORMATS."""
        forms = (ISO, MILLISECONDS, SECONDS, *DATE_FORMATS)
        return next((form for form in forms if self.is_mostly(form)), None)


@dataclass(frozen=True)
class Foreign:
    """The lines of a file as DuckDB reads them: `relation` is what stands after `from`.

    `under` is the key of the list that holds them, in a document that is one object. `is_text`
    says that every value is text, as in CSV.
    """

    path: Path
    relation: str
    columns: list[Column]
    rows: int
    is_text: bool
    under: str | None = None

    @property
    def stem(self) -> str:
        """The name of the file without its endings, unless it is that of a file of names."""
        stem = self.path.name.partition(".")[0]
        return stem if stem and stem not in DIMENSIONS else "processes"


_MOSTLY = 0.95


def is_table(path: Path) -> bool:
    """Whether a file is CSV by its name."""
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if suffixes and suffixes[-1] in COMPRESSIONS:
        suffixes.pop()
    return bool(suffixes) and suffixes[-1] in _TABLES


def read_foreign(path: Path) -> Foreign | None:
    """What the lines of a file are like; None if it has none, or they are not objects."""
    con = connect_in_memory()
    try:
        con.execute("set timezone = 'UTC'").fetchall()
        return _read(con, path)
    except (duckdb.Error, UnicodeDecodeError):
        return None  # no CSV, no JSON, or in an encoding that DuckDB does not know
    finally:
        con.close()


def _read(con: duckdb.DuckDBPyConnection, path: Path) -> Foreign | None:
    relation, under = _relation(path, depth=1), None
    is_text, is_json = is_table(path), "read_json" in relation
    names = _names(con, relation)
    if is_json and (found := _list_of_objects(con, relation, names)):
        under = found
        lines = f"unnest({quoted(under)}, max_depth := 2)"
        relation = f"(select {lines} from {_relation(path, depth=3)})"
        names = _names(con, relation)
    # A line that is not an object is read as a column of this name.
    if not names or (is_json and names == ["json"]):
        return None
    con.execute(f"create temp table lines as from {relation} limit {_ROWS}").fetchall()
    texts = [_text(name, is_json=is_json, is_text=is_text) for name in names]
    ((rows,),) = con.execute("select count(*) from lines").fetchall()
    columns = [_column(con, name, text) for name, text in zip(names, texts, strict=True)]
    return Foreign(path, relation, columns, rows, is_text, under) if rows else None


def _relation(path: Path, *, depth: int) -> str:
    """How DuckDB reads a file so that no value is changed: members of objects stay JSON."""
    file, options = literal(str(path)), "hive_partitioning = false"
    if is_table(path):
        return f"read_csv({file}, header = true, all_varchar = true, {options})"
    if ".parquet" in (suffix.lower() for suffix in path.suffixes):
        return f"read_parquet({file}, {options})"
    return f"read_json({file}, maximum_depth = {depth}, sample_size = -1, {options})"


def _names(con: duckdb.DuckDBPyConnection, relation: str) -> list[str]:
    return [name for name, *_ in con.execute(f"describe from {relation}").fetchall()]


def _list_of_objects(con: duckdb.DuckDBPyConnection, relation: str, names: list[str]) -> str | None:
    """The first key that holds a list of objects, where a file is a single object."""
    if con.execute(f"select count(*) from {relation}").fetchall() != [(1,)]:
        return None
    kinds = ", ".join(f"json_type({quoted(name)}, '$[0]')" for name in names)
    ((*found,),) = con.execute(f"select {kinds} from {relation}").fetchall()
    return next((n for n, kind in zip(names, found, strict=True) if kind == "OBJECT"), None)


def _text(name: str, *, is_json: bool, is_text: bool) -> str:
    if is_json:
        return f"{quoted(name)} ->> '$'"
    return quoted(name) if is_text else f"{quoted(name)}::varchar"


def _column(con: duckdb.DuckDBPyConnection, name: str, text: str) -> Column:
    forms = ", ".join(f"count(*) filter ({condition})" for condition in _FORMS.values())
    query = f"""
        with texts as (select nullif({text}, '') as t, ({text}) = '' as is_empty from lines)
        select count(*) filter (is_empty), count(t), count(distinct t), {forms} from texts
    """
    empty, values, distinct, *counts = con.execute(query).fetchall()[0]
    filled = f"nullif({text}, '')" if empty else text
    return Column(name, filled, values, distinct, dict(zip(_FORMS, counts, strict=True)))


_FORMS = {
    "uuid": f"regexp_full_match(t, {literal(UUID_PATTERN)})",
    "integer": r"regexp_full_match(t, '-?(0|[1-9]\d{0,17})')",
    "decimal": r"regexp_full_match(t, '-?(0|[1-9]\d{0,14})(\.\d{1,9})?')",
    "boolean": "lower(t) in ('true', 'false')",
    "object": "starts_with(t, '{')",
    "status": "upper(trim(t)) in ('OPEN', 'COMPLETED', 'CANCELLED')",
    ISO: r"regexp_matches(t, '^\d{4}-\d\d-\d\d') and try_cast(t as timestamptz) is not null",
    MILLISECONDS: f"try_cast(t as bigint) between {EARLIEST_MS} and {LATEST_PLANNED_MS}",
    SECONDS: (
        f"try_cast(t as double) between {EARLIEST_MS // 1000} and {LATEST_PLANNED_MS // 1000}"
    ),
    **{form: f"try_strptime(t, {literal(form)}) is not null" for form in DATE_FORMATS},
}
