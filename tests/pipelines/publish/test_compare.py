"""Two databases compared: literal differences, and random tables against plain Python."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.publish.compare import TableDifference, comparing
from pipelines.settings import Settings
from schemas.errors import OperationError
from tests.support.command_line import leadtime

BUILD = "create table build as select {} as generation, now() as as_of, '1.2' as leadtime_version"
FIRST = """
create table lead_processes as select * from (
    values (1, 'NEW', 5.0, null), (2, 'WON', 7.5, 'a'), (3, 'LOST', 1.0, 'b')
) as t(process_id, state, seconds, note);
create table moves as select unnest([1, 1, 2]) as n;
create table flow_daily as select 'lead' as procedure, date '2026-03-01' as day, 3 as arrivals;
create table gone as select 1 as x;
create table same as select null::integer as nothing;
"""
SECOND = """
create table lead_processes as select * from (
    values (4, 'NEW', 5.0, null, 0), (2, 'WON', 7.5, null, 0), (3, 'LOST', 2.0, 'c', 0)
) as t(process_id, state, seconds, note, extra);
create table moves as select unnest([1, 2, 2]) as n;
create table flow_daily as select 'lead' as procedure, date '2026-03-01' as day, 3.0 as arrivals;
create table same as select null::integer as nothing;
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Generations 3 and 12."""
    data = tmp_path_factory.mktemp("compared")
    write(data / "analytics" / "analytics-000003.duckdb", BUILD.format(3), FIRST)
    write(data / "analytics" / "analytics-000012.duckdb", BUILD.format(12), SECOND)
    return Settings(data=data)


def write(path: Path, *statements: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with duckdb.connect(path) as con:
        for statement in statements:
            con.execute(statement)


def test_each_difference_is_counted_once(place: Settings) -> None:
    with comparing(place, "3", "12") as comparison:
        found = {difference.name: difference for difference in comparison.tables()}
        assert [about["generation"] for about in comparison.builds()] == ["3", "12"]
    assert found == {
        "flow_daily": TableDifference("flow_daily", (1, 1), others=("arrivals",)),
        "gone": TableDifference("gone", (1, None)),
        "lead_processes": TableDifference(
            "lead_processes", (3, 3), (1, 1), 2, {"note": 2, "seconds": 1}, ("extra",)
        ),
        "moves": TableDifference("moves", (3, 3), (1, 1)),
        "same": TableDifference("same", (1, 1)),
    }
    assert [name for name, difference in found.items() if difference.is_none] == ["same"]


def test_the_cells_that_differ_are_shown(place: Settings) -> None:
    with comparing(place, "3", "12") as comparison:
        assert comparison.cells("lead_processes", 10) == [
            ("1", "", "present", None),
            ("2", "note", "a", None),
            ("3", "seconds", "1.0", "2.0"),
            ("3", "note", "b", "c"),
            ("4", "", None, "present"),
        ]
        assert len(comparison.cells("lead_processes", 2)) == 2
        assert sorted(comparison.cells("moves", 10)) == [
            ('{"n":1}', "", "present", None),
            ('{"n":2}', "", None, "present"),
        ]
        assert comparison.cells("same", 10) == []
        with pytest.raises(OperationError, match="the second database has no gone"):
            comparison.cells("gone", 10)
        with pytest.raises(OperationError, match=r"found 'movs'.*moves"):
            comparison.cells("movs", 10)


Row = tuple[Any, ...]
rows = st.lists(
    st.tuples(st.integers(0, 4) | st.none(), st.sampled_from([None, "a", "b"]), st.integers(0, 1)),
    max_size=6,
)


def expected(first: list[Row], second: list[Row]) -> tuple[tuple[int, int], int]:
    """Rows that one alone has, and rows of one key that differ, without SQL."""
    sides = (first, second)
    if any(len({row[0] for row in side}) < len(side) for side in sides):
        counts = [Counter(side) for side in sides]
        return ((counts[0] - counts[1]).total(), (counts[1] - counts[0]).total()), 0
    left, right = ({row[0]: row for row in side} for side in sides)
    both = left.keys() & right.keys()
    changed = sum(left[key] != right[key] for key in both)
    return (len(left.keys() - both), len(right.keys() - both)), changed


@given(first=rows, second=rows)
@settings(max_examples=25, deadline=None)
def test_it_counts_as_plain_python_does(
    tmp_path_factory: pytest.TempPathFactory, first: list[Row], second: list[Row]
) -> None:
    folder = tmp_path_factory.mktemp("random")
    for name, found in (("a", first), ("b", second)):
        table = "create table t (process_id integer, word varchar, bit integer)"
        with duckdb.connect(folder / f"{name}.duckdb") as con:
            con.execute(BUILD.format(1))
            con.execute(table)
            if found:
                con.executemany("insert into t values (?, ?, ?)", found)
    with comparing(Settings(data=folder), *(str(folder / f"{n}.duckdb") for n in "ab")) as both:
        (difference,) = both.tables()
        n_cells = len(both.cells("t", 1_000))
    assert (difference.only, difference.changed) == expected(first, second)
    n_differing = sum(difference.only) + sum(difference.columns.values())
    assert n_cells == n_differing
    assert difference.is_none == (n_differing == 0)


def test_what_cannot_be_compared_is_said(place: Settings, tmp_path: Path) -> None:
    write(tmp_path / "other.duckdb", "create table x as select 1")
    (tmp_path / "text.duckdb").write_text("no database")
    for name, message in (
        ("7", r"generation: found 7\. Kept in .*: 3, 12\."),
        (str(tmp_path / "none.duckdb"), "is no file"),
        (str(tmp_path / "other.duckdb"), "was not published by leadtime"),
        (str(tmp_path / "text.duckdb"), "not a DuckDB database|damaged"),
    ):
        with pytest.raises(OperationError, match=message), comparing(place, "3", name):
            pass


def test_the_command_says_whether_they_differ(place: Settings) -> None:
    data = str(place.data)
    same = leadtime("compare", "3", "3", "--data", data)
    assert (same.code, "All 5 tables are the same" in same.out) == (0, True)
    differ = leadtime("compare", "3", "12", "--data", data)
    assert differ.code == 1
    assert "4 tables of 5 differ" in differ.out
    assert "note (2), seconds (1), extra (not in both)" in differ.out
    cells = leadtime("compare", "3", "12", "--data", data, "--table", "moves", "--limit", "1")
    assert cells.code == 1
    assert "there are more" in cells.out
