"""How a table finds room: what gives way first, and that nothing is cut.

What tables show does not belong here.
"""

from __future__ import annotations

import pytest
from rich.console import Console

from pipelines.terminal.grid import Grid, broken

STEPS = Grid(
    ("step", "processes", "", "of previous", "what it is"),
    [
        ("NEW", "1,264", "████████", "100.0 %", "Not looked at by anybody."),
        ("CONVERTED", "98", "█░░░░░░░", "7.8 %", "A customer."),
    ],
    right=frozenset({1, 3}),
    bars=frozenset({2}),
    wrapped=4,
)


def shown(grid: Grid, width: int) -> list[str]:
    console = Console(width=width, force_terminal=True, color_system=None)
    with console.capture() as captured:
        console.print(grid)
    return captured.get().splitlines()


def test_with_room_for_all_it_is_as_wide_as_its_cells() -> None:
    assert shown(STEPS, 200) == [
        "step       processes            of previous  what it is",
        "──────────────────────────────────────────────────────────────────────",
        "NEW            1,264  ████████      100.0 %  Not looked at by anybody.",
        "CONVERTED         98  █░░░░░░░        7.8 %  A customer.",
    ]


def test_headers_break_first() -> None:
    assert shown(STEPS, 68) == [
        "                                      of",
        "step       processes            previous  what it is",
        "───────────────────────────────────────────────────────────────────",
        "NEW            1,264  ████████   100.0 %  Not looked at by anybody.",
        "CONVERTED         98  █░░░░░░░     7.8 %  A customer.",
    ]


def test_then_bars_are_left_out() -> None:
    assert shown(STEPS, 60)[-2:] == [
        "NEW            1,264      100.0 %  Not looked at by anybody.",
        "CONVERTED         98        7.8 %  A customer.",
    ]


def test_then_the_sentence_goes_below_its_row() -> None:
    assert shown(STEPS, 35) == [
        "step       processes  of previous",
        "─────────────────────────────────",
        "NEW            1,264      100.0 %",
        "  Not looked at by anybody.",
        "CONVERTED         98        7.8 %",
        "  A customer.",
    ]


def test_then_texts_run_over_lines() -> None:
    grid = Grid(
        ("day", "states", "n"),
        [("2026-03-01", "NEW > CONTACTED > QUALIFIED > LOST", "1,234,567")],
        right=frozenset({2}),
        whole=frozenset({0}),
    )
    assert shown(grid, 40) == [
        "day         states                     n",
        "────────────────────────────────────────",
        "2026-03-01  NEW > CONTACTED >  1,234,567",
        "            QUALIFIED > LOST",
    ]


def test_at_last_each_row_is_a_record() -> None:
    assert shown(STEPS, 29)[:6] == [
        "step         NEW",
        "processes    1,264",
        "             ████████",
        "of previous  100.0 %",
        "what it is   Not looked at by",
        "             anybody.",
    ]


def test_wide_characters_count_twice() -> None:
    grid = Grid(("name", "n"), [("日本", "1"), ("Ada", "2")], right=frozenset({1}))
    assert shown(grid, 80)[2:] == ["日本  1", "Ada   2"]


def test_a_table_without_rows_is_its_header() -> None:
    assert shown(Grid(("a_name", "n"), []), 80) == ["a_name  n", "─────────"]


@pytest.mark.parametrize(
    ("text", "width", "lines"),
    [
        ("", 5, [""]),
        ("half of all", 11, ["half of all"]),
        ("half of all", 8, ["half of", "all"]),
        ("median_seconds_from_first", 15, ["median_seconds_", "from_first"]),
        ("/data/exports/a.ndjson:12", 16, ["/data/exports/", "a.ndjson:12"]),
        ("abcdefgh", 3, ["abc", "def", "gh"]),
        ("ab cdefgh", 4, ["ab", "cdef", "gh"]),
        ("one\ntwo", 80, ["one", "two"]),
        ("日本語", 4, ["日本", "語"]),
    ],
)
def test_texts_break_where_they_can(text: str, width: int, lines: list[str]) -> None:
    assert broken(text, width) == lines
