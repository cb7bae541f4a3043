"""Bins, and how numbers read."""

from __future__ import annotations

from typing import Any

import duckdb
import pytest

from notebooks.parts.published import bins, in_percent, in_words
from pipelines.terminal.text import duration, share


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        ([0, 1, 1.5, 39], [(0, 1, 1), (1, 2, 2), (39, 40, 1)]),
        ([5, 5], [(5, 6, 2)]),
        ([10] * 99 + [1000], [(10, 11, 99), (40, None, 1)]),
        ([], []),
    ],
)
def test_bins_hold_everything(seconds: list[float], expected: list[tuple[Any, ...]]) -> None:
    rows = ", ".join(f"({value})" for value in seconds) or "(null)"
    with duckdb.connect() as con:
        found = bins(con, f"select column0::double as seconds from (values {rows}) as v(column0)")
    assert found.rows() == expected


@pytest.mark.parametrize("seconds", [None, 0, 0.4, 42, 89.9, 90, 720, 5400, 18_720, 129_600, 3e7])
def test_durations_read_as_the_command_prints_them(seconds: float | None) -> None:
    assert in_words(seconds) == duration(seconds)
    assert in_percent(0.123 if seconds else None) == share(0.123 if seconds else None)
