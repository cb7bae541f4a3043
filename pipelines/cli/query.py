"""`leadtime query`: runs one statement on the published database, read-only and sandboxed."""

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import Literal, TextIO

import duckdb
from rich.console import Console, Group

from pipelines.cli.invocation import next_command
from pipelines.publish.reader import People, open_published
from pipelines.settings import Settings
from pipelines.terminal.grid import Grid, records
from pipelines.terminal.text import (
    MAX_CELL_LENGTH,
    cell,
    counted,
    grid,
    is_reformatted,
    shortened,
    some_of,
)
from pipelines.terminal.visible import visible
from pipelines.warehouse.file_errors import atomic_write, is_no_space
from schemas.errors import OperationError
from schemas.sql_text import literal, quoted

FileFormat = Literal["csv", "parquet"]
_DEFAULT_ROWS = 100
_LISTING = re.compile(r"\s*(show|describe|desc|summarize|explain)\b", re.IGNORECASE)
# Up to this many rows, or lines, a result too wide for a table is shown as records.
_FEW_ROWS = 3
_FEW_LINES = 60
_NUMBER = re.compile(r"U?(TINY|SMALL|BIG|HUGE)INT|U?INTEGER|FLOAT|DOUBLE|DECIMAL\([0-9,]+\)")
_WRAPS = re.compile(r"VARCHAR|JSON|[\])]$")  # texts, lists, structs
# Text that a spreadsheet may run as a formula (full-width signs too); the regular expression means
# the same in Python and in DuckDB.
_FORMULA = "^(\\s*[-+=@\uff0b\uff0d\uff1d\uff20]|[\\t\\r\\n])"
_PLAIN_NUMBER = r"[-+]?[0-9]+([.,][0-9]+)?"
_PG_HINT = re.compile(r' Did you mean "pg_[a-z_]+"\?')  # not a published table


@dataclass(frozen=True)
class Answer:
    """The first rows of a result; `has_more` says whether there are others."""

    columns: list[str]
    types: list[str]
    rows: list[tuple[object, ...]]
    has_more: bool


def default_limit(query: str) -> int:
    """Rows printed without `--limit`: all (0) of statements that list tables, columns or plans."""
    return 0 if _LISTING.match(query) else _DEFAULT_ROWS


def ask(settings: Settings, query: str, *, limit: int, people: People = "left out") -> Answer:
    """The first `limit` rows (0: all) of one statement.

    Raises `OperationError` when the statement cannot be run, or personal values that are needed
    cannot be read.
    """
    with open_published(settings, people=people) as con, _reported(query):
        con.execute(_one_statement(con, query))
        columns = [column[0] for column in con.description or []]
        types = [str(column[1]) for column in con.description or []]
        rows = con.fetchmany(limit + 1) if limit else con.fetchall()
    shown = rows[:limit] if limit else rows
    return Answer(columns, types, shown, has_more=len(rows) > len(shown))


def write_answer(
    settings: Settings,
    query: str,
    path: Path,
    *,
    file_format: FileFormat,
    people: People = "left out",
) -> int:
    """Write all rows of one statement to a file, atomically; returns the number of rows.

    In CSV, text that a spreadsheet would run as a formula is prefixed with an apostrophe.
    Raises `OperationError` when the statement cannot be run or the file cannot be written.
    """
    with atomic_write(path, f"a .{file_format} file") as waiting:
        return _write(settings, query, waiting, file_format=file_format, people=people)


def _write(
    settings: Settings, query: str, path: Path, *, file_format: FileFormat, people: People
) -> int:
    # DuckDB may write to this one path only, so not to a temporary file beside it.
    # Every cell is quoted: where the semicolon separates, `x;=1+1` is two cells and a formula.
    quoting = ", force_quote *" if file_format == "csv" else ""
    options = f"format {file_format}, use_tmp_file false{quoting}"
    with open_published(settings, writable=path, people=people) as con, _reported(query):
        statement = _one_statement(con, query).strip().rstrip(";")
        if file_format == "csv":
            statement = _defused(con, statement)
        result = con.execute(f"copy (\n{statement}\n) to {literal(str(path))} ({options})")
        # A pivot runs as several statements, none of which returns the number of rows written.
        counting = f"select count(*) from (\n{statement}\n)"
        ((n_rows,),) = result.fetchall() or con.execute(counting).fetchall()
        return n_rows


def copy_answer(
    settings: Settings, query: str, stream: TextIO, *, people: People = "left out"
) -> None:
    """Write all rows of one statement to a stream, as CSV; characters that a terminal would act
    on are replaced where it is one.

    Raises `OperationError` when the statement cannot be run; nothing has been written then.
    """
    # A file without a name, which is gone when this process ends in any way.
    with TemporaryFile("w+", encoding="utf-8", newline="") as file:
        place = Path(f"/dev/fd/{file.fileno()}")
        _write(settings, query, place, file_format="csv", people=people)
        file.seek(0)
        if stream.isatty():
            stream.writelines(map(visible, file))
        else:
            shutil.copyfileobj(file, stream)


def show_answer(console: Console, answer: Answer) -> None:
    """Print an answer as a table; a few rows that are too wide for one as records."""
    if answer.columns == ["explain_key", "explain_value"]:
        console.print("\n".join(str(row[1]) for row in answer.rows))
        return
    cells = [
        [cell(name, value) for name, value in zip(answer.columns, row, strict=True)]
        for row in answer.rows
    ]
    if console.is_terminal:
        notes = _show_what_fits(console, answer, cells)
    else:
        console.print(_table(answer, [[" ".join(text.split()) for text in row] for row in cells]))
        notes = []
    for note in (*_notes(answer), *notes):
        console.print(note, style="dim")


def show_questions(console: Console, settings: Settings) -> None:
    """Print sample questions, each with the command that answers it."""
    for question, query in ask(settings, "select question, query from questions", limit=0).rows:
        console.print(str(question), style="bold")
        console.print(next_command(settings, "query", str(query)), soft_wrap=True)
        console.print()
    tables = next_command(settings, "query", "from catalog")
    console.print(f"All tables: {tables}", soft_wrap=True)


def _notes(answer: Answer) -> Iterator[str]:
    """How many rows were printed, and whether values were rounded."""
    rows = counted(len(answer.rows), "row")
    yield f"first {rows}; there are more (`--limit 0` prints all)" if answer.has_more else rows
    numbers = zip(answer.columns, answer.types, strict=True)
    if any(is_reformatted(name) and _NUMBER.fullmatch(kind) for name, kind in numbers):
        yield "durations and shares are rounded; `--csv -` prints exact values"


def _one_statement(con: duckdb.DuckDBPyConnection, query: str) -> str:
    statements = con.extract_statements(query)
    if len(statements) != 1:
        found = counted(len(statements), "statement") if statements else "no statement"
        raise OperationError("query", f"found {found}", "Give one, for example `from catalog`.")
    return statements[0].query


def _defused(con: duckdb.DuckDBPyConnection, query: str) -> str:
    """The statement with every text and column name that looks like a formula quoted."""
    answer = con.sql(query)
    places = [f"c{place}" for place in range(len(answer.columns))]
    columns = [
        f"{_defused_text(place) if kind == 'VARCHAR' else place} as {quoted(_defused_name(name))}"
        for place, name, kind in zip(places, answer.columns, map(str, answer.types), strict=True)
    ]
    return f"select {', '.join(columns)} from (\n{query}\n) as answer({', '.join(places)})"


def _defused_text(column: str) -> str:
    return (
        f"case when regexp_matches({column}, {literal(_FORMULA)}) "
        f"and not regexp_full_match({column}, {literal(_PLAIN_NUMBER)}) "
        f"then '''' || {column} else {column} end"
    )


def _defused_name(name: str) -> str:
    is_formula = re.match(_FORMULA, name) and not re.fullmatch(_PLAIN_NUMBER, name)
    return f"'{name}" if is_formula else name


@contextmanager
def _reported(query: str) -> Iterator[None]:
    """Turn an error of DuckDB about the statement into a `QueryError`."""
    try:
        yield
    except duckdb.Error as error:
        if is_no_space(error):
            raise
        raise QueryError(query, str(error)) from error


class QueryError(OperationError):
    """A statement that cannot be run, with DuckDB's message."""

    def __init__(self, query: str, message: str) -> None:
        first, *others = message.strip().split("\n\n")
        found = _PG_HINT.sub("", " ".join(first.split()))
        if found.startswith("Permission Error"):
            action = "Only the published tables can be read; `--csv FILE` writes a result."
        elif "configuration has been locked" in found:
            action = "Settings come from LEADTIME_THREADS and LEADTIME_MEMORY_LIMIT."
        elif "read-only" in found:
            action = "The published database is read-only; create tables elsewhere."
        else:
            action = "`from catalog` lists the tables, `describe TABLE` the columns of one."
        super().__init__("query", found, "\n".join([*others, action]))
        self.query = query

    def __str__(self) -> str:
        return f"{self.found}\n{self.action}"


def _table(answer: Answer, texts: list[list[str]]) -> Grid:
    numbers = [place for place, kind in enumerate(answer.types) if _NUMBER.fullmatch(kind)]
    whole = [place for place, kind in enumerate(answer.types) if not _WRAPS.search(kind)]
    return grid(answer.columns, texts, right=numbers, whole=whole)


def _show_what_fits(console: Console, answer: Answer, cells: list[list[str]]) -> list[str]:
    """Print the columns that fit, or a few rows as records; returns notes on what is left out."""
    table = _table(answer, [[shortened(text) for text in row] for row in cells])
    n_fitting = table.n_fitting(console.width)
    n_lines = len(cells) * (len(answer.columns) + 1)
    if n_fitting < len(answer.columns) and (len(cells) <= _FEW_ROWS or n_lines <= _FEW_LINES):
        console.print(Group(*records(answer.columns, cells, console.width)))
        return []
    shown = max(n_fitting, 1)
    console.print(table.first(shown))
    notes: list[str] = []
    if hidden := answer.columns[shown:]:
        notes.append(f"no room for {counted(len(hidden), 'column')}: {some_of(hidden)}")
    if any(len(text) > MAX_CELL_LENGTH for row in cells for text in row[:shown]):
        notes.append(f"texts are cut at {MAX_CELL_LENGTH} characters; `--csv -` prints all")
    return notes
