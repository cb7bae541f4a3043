"""Asking the published database: answers, files, and what a statement cannot do.

What the tables hold does not belong here.
"""

from __future__ import annotations

import csv
import io
import subprocess
import sys
from pathlib import Path

import duckdb
import polars as pl
import pytest

from pipelines.cli.query import ask, copy_answer, default_limit, write_answer
from pipelines.settings import Settings
from schemas.errors import OperationError
from schemas.sql_text import literal
from tests.support.command_line import leadtime


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A published database with one small table, and the one that all have."""
    data = tmp_path_factory.mktemp("published")
    (data / "analytics").mkdir()
    with duckdb.connect(data / "analytics" / "analytics-000007.duckdb") as con:
        con.execute("create table tens as select range::bigint as n, n * 10 as ten from range(50)")
        con.execute("create table catalog as select 'tens' as table_name")
    (data / "analytics.duckdb").symlink_to("analytics/analytics-000007.duckdb")
    return Settings(data=data)


def test_an_answer_is_limited_and_says_so(settings: Settings) -> None:
    answer = ask(settings, "from tens order by n -- all of them", limit=2)
    assert (answer.columns, answer.types) == (["n", "ten"], ["BIGINT", "BIGINT"])
    assert answer.rows == [(0, 0), (1, 10)]
    assert answer.has_more
    assert not ask(settings, "from tens order by n limit 2", limit=2).has_more
    assert len(ask(settings, "from tens;", limit=0).rows) == 50


@pytest.mark.parametrize(
    ("query", "limit"),
    [
        ("show tables", 0),
        ("  Describe tens", 0),
        ("summarize tens", 0),
        ("from tens", 100),
        ("select describe from tens", 100),
        ("showing", 100),
    ],
)
def test_lists_are_printed_whole(query: str, limit: int) -> None:
    assert default_limit(query) == limit


def test_the_command_prints_a_hundred_rows_by_default(settings: Settings) -> None:
    data = ("--data", settings.data)
    many = "select unnest(range(120))"
    assert "first 100 rows; there are more" in leadtime("query", many, *data).out
    assert "120 rows" in leadtime("query", many, "--limit", 0, *data).out
    assert "first 3 rows; there are more" in leadtime("query", many, "--limit", 3, *data).out


def test_tables_can_be_listed_and_described(settings: Settings) -> None:
    assert ask(settings, "show tables", limit=9).rows == [("catalog",), ("tens",)]
    assert ask(settings, "describe tens", limit=9).rows[0][:2] == ("n", "BIGINT")
    assert "Scan" in leadtime("query", "explain from tens", "--data", settings.data).out


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("selct 1", "syntax error"),
        ("from nothing", "nothing does not exist"),
        ("select foo from tens", '"foo" not found'),
        ("", "found no statement"),
        ("select 1; select 2", "found 2 statements"),
        ("drop table tens", "read-only"),
        ("create table more as select 1", "read-only"),
        ("set threads = 1", "locked"),
        ("set enable_external_access = true", "locked"),
        ("copy tens to 'stolen.csv'", "Only the published tables"),
        ("from read_text('/etc/hostname')", "Only the published tables"),
        ("attach 'other.duckdb'", "Only the published tables"),
        ("select error('of our own')", "of our own"),
    ],
)
def test_what_cannot_be_run_is_one_sentence(settings: Settings, query: str, said: str) -> None:
    with pytest.raises(OperationError, match=said):
        ask(settings, query, limit=5)
    result = leadtime("query", query, "--data", settings.data)
    assert (result.code, result.out) == (1, "")
    assert said in result.err


def test_files_hold_all_rows(settings: Settings, tmp_path: Path) -> None:
    data = ("--data", settings.data)
    csv, parquet = tmp_path / "tens.csv", tmp_path / "it's.parquet"
    query = "from tens order by n;"
    assert "50 rows" in leadtime("query", query, "--csv", csv, "--limit", 2, *data).out
    assert leadtime("query", query, "--parquet", parquet, *data).code == 0
    assert csv.read_text().splitlines()[:3] == ['"n","ten"', '"0","0"', '"1","10"']
    assert leadtime("query", query, "--csv", "-", *data).out == csv.read_text()
    with duckdb.connect() as con:
        con.execute("set variable path = $path", {"path": str(parquet)})
        counted = con.execute("select count(*) from read_parquet(getvariable('path'))").fetchall()
    assert counted == [(50,)]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["it's.parquet", "tens.csv"]


CELLS = [
    ("=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0"),
    ("@SUM(A1)", "'@SUM(A1)"),
    ("-1+HYPERLINK(1)", "'-1+HYPERLINK(1)"),
    ("+49 30 1234", "'+49 30 1234"),
    ("  =1", "'  =1"),
    ("\t=1", "'\t=1"),
    ("\r=1", "'\r=1"),
    ("\uff1d1", "'\uff1d1"),
    ("-5", "-5"),
    ("+1,25", "+1,25"),
    ("a=b", "a=b"),
    ("it's", "it's"),
    ("x;=1+1", "x;=1+1"),
    ("", ""),
]


def test_no_cell_of_a_csv_file_is_a_formula(settings: Settings, tmp_path: Path) -> None:
    """Names of columns can come from the data, too: those of a pivot do."""
    path = tmp_path / "cells.csv"
    values = ", ".join(f"({place}, {literal(text)})" for place, (text, _) in enumerate(CELLS))
    query = f"select text, -place as n, 'x' as \"=x\" from (values {values}) as v(place, text)"
    write_answer(settings, query, path, file_format="csv")
    with path.open(encoding="utf-8", newline="") as file:
        found = list(csv.reader(file))
    assert found[0] == ["text", "n", "'=x"]
    assert found[1:] == [[safe, str(-n), "x"] for n, (_, safe) in enumerate(CELLS)]
    # Each cell is in quotes: none begins after a semicolon in it, where semicolons separate.
    assert '"x;=1+1","-12","x"' in path.read_text()
    write_answer(settings, query, path, file_format="parquet")
    assert pl.read_parquet(path)["text"].to_list() == [text for text, _ in CELLS]


def test_a_terminal_is_not_sent_what_it_would_act_on(settings: Settings) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    query = "select 'a' || chr(27) || ']52;c;eA==' || chr(7) as text"
    for stream, expected in ((Terminal(), "\ufffd]52;c;eA==\ufffd"), (io.StringIO(), "\x1b")):
        copy_answer(settings, query, stream)
        assert expected in stream.getvalue()


def test_statements_other_than_select_can_be_written_too(
    settings: Settings, tmp_path: Path
) -> None:
    path = tmp_path / "tables.csv"
    for query in ("show tables", "describe tens", "with a as (from tens) from a -- all"):
        assert write_answer(settings, query, path, file_format="csv") > 0
    write_answer(
        settings, "pivot (select 1 as a, '=1' as b) on b using sum(a)", path, file_format="csv"
    )
    assert path.read_text() == '"\'=1"\n"1"\n'


def test_a_file_is_whole_or_not_there(settings: Settings, tmp_path: Path) -> None:
    kept = tmp_path / "kept.csv"
    kept.write_text("before")
    with pytest.raises(OperationError):
        write_answer(settings, "select error('late') from tens", kept, file_format="csv")
    assert kept.read_text() == "before"
    assert [path.name for path in tmp_path.iterdir()] == ["kept.csv"]
    for path, said in (
        (tmp_path / "no" / "x.csv", "x.csv: there is no such folder"),
        (tmp_path, "is a folder"),
        (Path("/proc/x.csv"), "^/proc/x.csv: cannot be written"),
    ):
        with pytest.raises(OperationError, match=said):
            write_answer(settings, "from tens", path, file_format="csv")
    with pytest.raises(OperationError, match="named like a database"):
        write_answer(settings, "from tens", settings.published, file_format="csv")


def test_nothing_published_yet_says_what_to_do(tmp_path: Path) -> None:
    result = leadtime("query", "select 1", "--data", tmp_path)
    assert result.code == 1
    assert "leadtime run --landing DIR" in result.err


def test_a_query_loads_no_library_that_it_does_not_use() -> None:
    code = (
        "import sys, pipelines.cli.main, pipelines.cli.query; "
        "print([n for n in ('dagster', 'pandera', 'polars', 'sqlglot') if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
