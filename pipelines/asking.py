"""Asking the published database: one statement, read-only and shut off from everything else.

What the tables mean is in `schemas/catalogue.py`; the warehouse is never read here.
"""

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal, TextIO

import duckdb
from rich.console import Console, Group

from pipelines.command_settings import next_command
from pipelines.grid import Grid, records
from pipelines.published import open_published
from pipelines.quoting import literal, quoted
from pipelines.settings import Settings
from pipelines.show import LONGEST_CELL, cell, counted, grid, is_reformatted, shortened, some_of
from pipelines.storage import is_no_space, written_whole
from schemas.errors import SourceError

FileFormat = Literal["csv", "parquet"]
_USUAL_ROWS = 100
_LISTING = re.compile(r"\s*(show|describe|desc|summarize|explain)\b", re.IGNORECASE)
# So many rows, or lines, are shown as records when a table would leave columns out.
_FEW_ROWS = 3
_FEW_LINES = 60
_NUMBER = re.compile(r"U?(TINY|SMALL|BIG|HUGE)INT|U?INTEGER|FLOAT|DOUBLE|DECIMAL\([0-9,]+\)")
_MAY_BREAK = re.compile(r"VARCHAR|JSON|[\])]$")  # texts, lists, structs
# What a spreadsheet may take for a formula (the signs in full width too), in a regular expression
# that Python and DuckDB read alike.
_FORMULA = "^(\\s*[-+=@\uff0b\uff0d\uff1d\uff20]|[\\t\\r\\n])"
_PLAIN_NUMBER = r"[-+]?[0-9]+([.,][0-9]+)?"
_NO_HELP = re.compile(r' Did you mean "pg_[a-z_]+"\?')  # not a table of ours


@dataclass(frozen=True)
class Answer:
    """The first rows of a result; `has_more` says that there are others."""

    columns: list[str]
    types: list[str]
    rows: list[tuple[object, ...]]
    has_more: bool


def usual_limit(query: str) -> int:
    """How many rows are printed unless told: all (0) of what lists tables, columns or steps."""
    return 0 if _LISTING.match(query) else _USUAL_ROWS


def ask(settings: Settings, query: str, *, limit: int) -> Answer:
    """The first `limit` rows (0: all) of one statement.

    Raises `SourceError` when the statement cannot be run.
    """
    with open_published(settings) as con, _reported(query):
        con.execute(_one_statement(con, query))
        columns = [column[0] for column in con.description or []]
        types = [str(column[1]) for column in con.description or []]
        rows = con.fetchmany(limit + 1) if limit else con.fetchall()
    shown = rows[:limit] if limit else rows
    return Answer(columns, types, shown, has_more=len(rows) > len(shown))


def write_answer(settings: Settings, query: str, path: Path, *, file_format: FileFormat) -> int:
    """Write all rows of one statement to a file; the number of rows.

    The file is there whole or not at all. In CSV, text that a spreadsheet would run as a formula
    gets an apostrophe in front. Raises `SourceError` when the statement cannot be run, and
    `OperationError` when the file cannot be written.
    """
    # A name of its own would be outside the one path that may be written.
    options = f"format {file_format}, use_tmp_file false"
    with (
        written_whole(path, f"a .{file_format} file") as waiting,
        open_published(settings, writable=waiting) as con,
        _reported(query),
    ):
        asked = _one_statement(con, query).strip().rstrip(";")
        if file_format == "csv":
            asked = _defused(con, asked)
        written = con.execute(f"copy (\n{asked}\n) to {literal(str(waiting))} ({options})")
        # A pivot runs as several statements, none of which says how many rows it wrote.
        said = written.fetchall() or con.execute(f"select count(*) from (\n{asked}\n)").fetchall()
        return said[0][0]


def copy_answer(settings: Settings, query: str, stream: TextIO) -> None:
    """Write all rows of one statement to a stream, as CSV.

    Raises `SourceError` when the statement cannot be run; nothing has been written then.
    """
    with TemporaryDirectory() as folder:
        path = Path(folder) / "answer.csv"
        write_answer(settings, query, path, file_format="csv")
        with path.open(encoding="utf-8", newline="") as file:
            shutil.copyfileobj(file, stream)


def show_answer(console: Console, answer: Answer) -> None:
    """Print an answer as a table, or a few rows that are too wide for one as records."""
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
    """Print questions to start with, each with the command that answers it."""
    for question, query in ask(settings, "select question, query from questions", limit=0).rows:
        console.print(str(question), style="bold")
        console.print(next_command(settings, "query", str(query)), soft_wrap=True)
        console.print()
    tables = next_command(settings, "query", "from catalog")
    console.print(f"All tables: {tables}", soft_wrap=True)


def _notes(answer: Answer) -> Iterator[str]:
    """What a reader must know about the rows above."""
    rows = counted(len(answer.rows), "row")
    yield f"first {rows}; there are more (`--limit 0` shows all)" if answer.has_more else rows
    numbers = zip(answer.columns, answer.types, strict=True)
    if any(is_reformatted(name) and _NUMBER.fullmatch(kind) for name, kind in numbers):
        yield "durations and shares are rounded; `--csv -` has the exact numbers"


def _one_statement(con: duckdb.DuckDBPyConnection, query: str) -> str:
    statements = con.extract_statements(query)
    if len(statements) != 1:
        found = counted(len(statements), "statement") if statements else "no statement"
        raise SourceError("query", f"found {found}", "Give one, such as `from funnel_steps`.")
    return statements[0].query


def _defused(con: duckdb.DuckDBPyConnection, query: str) -> str:
    """The statement with texts and column names, which data may give, that no spreadsheet runs."""
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
    """Turn errors of the engine about a statement into one of ours."""
    try:
        yield
    except duckdb.Error as error:
        if is_no_space(error):
            raise
        raise QueryError(query, str(error)) from error


class QueryError(SourceError):
    """A statement that cannot be run, in the words of the engine."""

    def __init__(self, query: str, message: str) -> None:
        first, *others = message.strip().split("\n\n")
        found = _NO_HELP.sub("", " ".join(first.split()))
        if found.startswith("Permission Error"):
            action = "Only the published tables can be read here; `--csv FILE` writes a result."
        elif "configuration has been locked" in found:
            action = "Settings come from LEADTIME_THREADS and LEADTIME_MEMORY_LIMIT."
        elif "read-only" in found:
            action = "The published database is never changed; make tables elsewhere."
        else:
            action = "`from catalog` lists the tables, `describe TABLE` their columns."
        super().__init__("query", found, "\n".join([*others, action]))
        self.query = query

    def __str__(self) -> str:
        return f"{self.found}\n{self.action}"


def _table(answer: Answer, texts: list[list[str]]) -> Grid:
    numbers = [place for place, kind in enumerate(answer.types) if _NUMBER.fullmatch(kind)]
    whole = [place for place, kind in enumerate(answer.types) if not _MAY_BREAK.search(kind)]
    return grid(answer.columns, texts, right=numbers, whole=whole)


def _show_what_fits(console: Console, answer: Answer, cells: list[list[str]]) -> list[str]:
    """Print the columns there is room for, or a few rows as records; notes on what is left out."""
    table = _table(answer, [[shortened(text) for text in row] for row in cells])
    fitting = table.n_fitting(console.width)
    n_lines = len(cells) * (len(answer.columns) + 1)
    if fitting < len(answer.columns) and (len(cells) <= _FEW_ROWS or n_lines <= _FEW_LINES):
        console.print(Group(*records(answer.columns, cells, console.width)))
        return []
    shown = max(fitting, 1)
    console.print(table.first(shown))
    notes: list[str] = []
    if hidden := answer.columns[shown:]:
        notes.append(f"no room for {counted(len(hidden), 'column')}: {some_of(hidden)}")
    if any(len(text) > LONGEST_CELL for row in cells for text in row[:shown]):
        notes.append(f"texts are cut at {LONGEST_CELL} characters; `--csv -` has them in full")
    return notes
