"""Computed attributes by script: what the function gets, when it is called, and what fails."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.support.jobs import (
    HOUR,
    LATER,
    A,
    B,
    C,
    built,
    column,
    derived,
    failed,
    jobs,
    version,
    violations,
)

SCRIPT = """
import polars as pl

calls = __file__ + ".calls"

def grade(frame):
    with open(calls, "a") as file:
        file.write(f"{frame.height} ")
    return pl.Series(frame.select(10 * pl.col("size")).to_series())

def wrong_length(frame):
    return pl.Series([1])

def breaks(frame):
    return pl.Series([100 // size for size in frame["size"]])

def no_series(frame):
    return 7

def text(frame):
    return frame["size"].cast(pl.String) + "x"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "scoring.py").write_text(SCRIPT)
    return tmp_path


def script(function: str = "grade", *, kind: str = "integer", **how: Any) -> dict[str, Any]:
    return derived("x", kind, script=f"scoring.py:{function}", reads=["size"]) | how


def calls(folder: Path) -> list[int]:
    """The heights of the frames the function got since the last time."""
    file = folder / "scoring.py.calls"
    heights = [int(word) for word in file.read_text().split()] if file.exists() else []
    file.unlink(missing_ok=True)
    return heights


def test_a_script_gives_a_value_per_process(folder: Path) -> None:
    warehouse = built(
        jobs(script(), folder=folder), version(A, data={"size": 4}), version(B, data={"size": 5})
    )
    assert column(warehouse, "x") == [40, 50]
    assert violations(warehouse) == []


def test_a_script_is_called_again_only_for_changed_inputs(folder: Path) -> None:
    warehouse = built(
        jobs(script(), folder=folder),
        version(A, data={"size": 4}),
        version(B, data={"size": 5}),
        whole=True,
    )
    assert calls(folder) == [2]
    warehouse.build(LATER + HOUR, whole=True)
    assert calls(folder) == []
    warehouse.add([version(A, 1, data={"size": 6}), version(B, 1, data={"size": 5, "price": 1})])
    warehouse.add([version(C, data={"size": 1})])
    warehouse.build(LATER + HOUR, whole=True)
    assert calls(folder) == [2]
    assert column(warehouse, "x") == [60, 50, 10]


def test_a_script_is_called_for_all_when_it_changes(folder: Path) -> None:
    procedures = jobs(script(), folder=folder)
    first = version(A, data={"size": 4}), version(B, data={"size": 5})
    warehouse = built(procedures, *first, whole=True)
    calls(folder)
    (folder / "scoring.py").write_text(SCRIPT.replace("10 *", "11 *"))
    warehouse.build(LATER, procedures=procedures, whole=True)
    assert calls(folder) == [2]
    assert column(warehouse, "x") == [44, 55]
    warehouse.build(LATER, procedures=jobs(script(kind="string"), folder=folder), whole=True)
    assert calls(folder) == [2]
    assert column(warehouse, "x") == ["44", "55"]


def test_formulas_and_scripts_may_take_turns(folder: Path) -> None:
    procedures = jobs(
        derived("doubled", "integer", formula="size * 2"),
        script(reads=["size", "doubled"]),
        derived("y", "integer", formula="x + doubled"),
        folder=folder,
    )
    warehouse = built(procedures, version(A, data={"size": 4}))
    assert column(warehouse, "y") == [48]


@pytest.mark.parametrize(
    ("function", "expected", "failing"),
    [
        ("wrong_length", [1, 1], []),
        ("breaks", [25, None], [B]),
        ("no_series", [None, None], [A, B]),
        ("text", [None, None], [A, B]),
    ],
)
def test_what_fails_is_null_and_a_violation(
    folder: Path, function: str, expected: list[Any], failing: list[str]
) -> None:
    warehouse = built(
        jobs(script(function), folder=folder),
        version(A, data={"size": 4}),
        version(B, data={"size": 0}),
    )
    assert column(warehouse, "x") == expected
    assert violations(warehouse) == [failed(process, "x") for process in failing]


def test_a_file_that_does_not_run_fails_every_value(folder: Path) -> None:
    procedures = jobs(script(), folder=folder)
    (folder / "scoring.py").write_text("import no_such_module\ndef grade(frame): ...\n")
    warehouse = built(procedures, version(A, data={"size": 4}))
    assert column(warehouse, "x") == [None]
    assert violations(warehouse) == [failed(A, "x")]
