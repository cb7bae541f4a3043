"""How numbers are shown: units, shares, separators.

What is shown does not belong here.
"""

from __future__ import annotations

import io
import re
from datetime import date, datetime
from decimal import Decimal

import pytest
from rich.console import Console, Group
from rich.text import Text

from pipelines.cli.query import Answer, show_answer
from pipelines.terminal.grid import records
from pipelines.terminal.text import (
    cell,
    console,
    counted,
    duration,
    grid,
    share,
    shortened,
    size,
    some_of,
)
from pipelines.terminal.visible import visible


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, "-"),
        (0, "0 s"),
        (0.4, "0.4 s"),
        (89, "89 s"),
        (90, "1.5 min"),
        (5399, "90 min"),
        (5400, "1.5 h"),
        (129_599, "36 h"),
        (129_600, "1.5 d"),
        (864_000, "10 d"),
        (-3600, "-60 min"),
        (Decimal(86400000), "1,000 d"),
    ],
)
def test_durations_are_in_the_unit_a_person_would_use(seconds: float | None, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("column", "value", "text"),
    [
        ("mean_seconds", 7200.0, "2 h"),
        ("median_seconds_from_first", None, "-"),
        ("share_of_first", 0.1234, "12.3 %"),
        ("share", 1, "100.0 %"),
        ("n", 2026, "2026"),
        ("n", 12_345, "12,345"),
        ("budget", Decimal("19189.710000000"), "19,189.71"),
        ("budget", Decimal("1E+3"), "1,000"),
        ("x", 0.5, "0.5"),
        ("x", float("inf"), "inf"),
        ("is_open", True, "true"),
        ("order_id", 1_234_567, "1234567"),
        ("orderId", 1_234_567, "1234567"),
        ("number", Decimal(1234567), "1234567"),
        ("ticket_no", 1_234_567.0, "1234567"),
        ("max(order_id)", 1_234_567, "1234567"),
        ("count(order_id)", 1_234_567, "1,234,567"),
        ("n_by_key", 1_234_567, "1,234,567"),
        ("paid", 1_234_567, "1,234,567"),
        ("tags", ["a", None, "b"], "a, -, b"),
        ("created_at", datetime(2026, 3, 1, 4, 5, 6, 789_000), "2026-03-01 04:05:06"),
        ("day", date(2026, 3, 1), "2026-03-01"),
    ],
)
def test_cells_are_readable(column: str, value: object, text: str) -> None:
    assert cell(column, value) == text


def test_small_texts() -> None:
    assert [counted(n, "process") for n in (0, 1, 2)] == ["0 processes", "1 process", "2 processes"]
    assert counted(1200, "query") == "1,200 queries"
    assert (share(None), size(0), size(1_234_567)) == ("-", "0.0 kB", "1.2 MB")
    assert some_of(["a", "b", "c"], 2) == "a, b, ..."
    assert shortened("ab\ncd", 4) == "ab …"


def test_a_wide_answer_hides_columns_and_says_which() -> None:
    columns = ["process_id", "a" * 20, "b" * 20]
    rows: list[tuple[object, ...]] = [(n, "x", "y") for n in range(30)]
    shown = _shown(
        Answer(columns, ["INTEGER", "VARCHAR", "VARCHAR"], rows, has_more=True), width=50
    )
    assert "no room for 1 column: " + "b" * 20 in shown
    assert "first 30 rows; there are more" in shown


def test_a_few_wide_rows_are_records() -> None:
    columns = ["process_id", *(f"column{n}" for n in range(5))]
    text = "word " * 60
    answer = Answer(columns, ["INTEGER"] * 5 + ["VARCHAR"], [(7, 1, 2, 3, 4, text)], has_more=False)
    shown = _shown(answer, width=40)
    assert "process_id  7\n" in shown
    assert shown.count("word") == 60
    assert "no room" not in shown
    assert _widest(shown) <= 40


def test_long_headers_break_at_underscores() -> None:
    columns = ["median_seconds_from_first", "median_seconds_from_previous"]
    answer = Answer(columns, ["DOUBLE", "DOUBLE"], [(60.0, 60.0)] * 4, has_more=False)
    shown = _shown(answer, width=40)
    assert "no room" not in shown
    assert "from_first" in shown


@pytest.mark.parametrize(
    ("width", "n_rows", "has_room"),
    [(80, 2, True), (80, 70, False), (100, 2, True), (100, 70, True)],
)
def test_texts_run_over_lines_and_numbers_and_ids_do_not(
    width: int, n_rows: int, *, has_room: bool
) -> None:
    columns = ["process_id", "sentence", "path", "median_seconds_from_first"]
    types = ["UUID", "VARCHAR", "VARCHAR", "DOUBLE"]
    uuid = "4f7c2a0e-1111-4222-8333-444455556666"
    row = (uuid, "It holds for all of them. " * 6, "exports/2026-03.ndjson:1938", 12_345.0)
    shown = _shown(Answer(columns, types, [row] * n_rows, has_more=False), width=width)
    assert "…" not in shown
    assert _widest(shown) <= width
    assert len(re.findall(rf"{uuid}\b", shown)) == n_rows
    assert ("no room for 1 column: median" in shown) is not has_room
    assert len(re.findall(r" 3\.4 h\n", shown)) == (n_rows if has_room else 0)
    words = shown.split()
    assert words.count("holds") == words.count("them.") == 6 * n_rows


def test_a_long_text_is_cut_and_marked() -> None:
    rows: list[tuple[object, ...]] = [("word " * 2000,)] * 2
    shown = _shown(Answer(["text"], ["VARCHAR"], rows, has_more=False), width=80)
    assert shown.count("…") == 2
    assert "texts are cut at 1000 characters" in shown


def test_nothing_wraps_where_no_terminal_is(capsys: pytest.CaptureFixture[str]) -> None:
    answer = Answer(["text"], ["VARCHAR"], [("word " * 20_000,)], has_more=False)
    show_answer(console(), answer)
    assert capsys.readouterr().out.splitlines()[2].count("word") == 20_000


def _widest(shown: str) -> int:
    return max(map(len, shown.splitlines()))


def _shown(answer: Answer, *, width: int) -> str:
    terminal = Console(width=width, force_terminal=True, highlight=False, markup=False)
    with terminal.capture() as captured:
        show_answer(terminal, answer)
    return re.sub(r"\x1b\[[0-9;]*m", "", captured.get())


ACTIVE = (
    "\x1b]52;c;eA==\x07",
    "\x1b[2J",
    "\x9b31m",
    "\x00",
    "\r",
    "\x7f",
    "\u202e",
    "\u2066",
    "\u200b",
)


@pytest.mark.parametrize("text", ACTIVE)
@pytest.mark.parametrize("is_terminal", [True, False])
def test_characters_that_a_terminal_acts_on_are_replaced(text: str, *, is_terminal: bool) -> None:
    shown = console()
    shown.file, shown._force_terminal = io.StringIO(), is_terminal
    row = [f"a{text}b", "c"]
    shown.print(f"file {text}: found", style="red")
    shown.print(Text.assemble("in ", (text, "bold")))
    shown.print(grid([f"name {text}", "other"], [row, ["ab", "c"]]))
    shown.print(Group(*records([f"name {text}"], [row[:1]], 40)))
    printed = re.sub("\x1b\\[[0-9;]*m", "", shown.file.getvalue())  # styles of our own
    assert text[0] not in printed
    assert "\ufffd" in printed


def test_columns_stay_aligned_when_characters_are_replaced() -> None:
    shown = console()
    shown.file = io.StringIO()
    shown.print(grid(["a", "b"], [["x\u202ey", "1"], ["xyz", "2"]]))
    assert shown.file.getvalue().splitlines()[2:] == ["x\ufffdy  1", "xyz  2"]


def test_letters_of_every_script_stay() -> None:
    text = "Zoë, Łódź, Ελλάδα, العربية, नमस्ते, 日本, 👩\u200d👩\u200d👧"
    assert visible(text) == text
