"""What holds for every notebook: how it is written, and what it shows without data."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from notebooks.parts.published import connect
from pipelines.report.contents import read_report
from pipelines.report.html import html_report
from tests.support.notebooks import NOTEBOOKS, show

FOLDER = Path(__file__).parents[2] / "notebooks"


def test_they_are_as_marimo_wants_them() -> None:
    files = [str(FOLDER / f"{name}.py") for name in NOTEBOOKS]
    command = [sys.executable, "-m", "marimo", "check", "--strict", *files]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_without_a_database_they_say_what_to_do(name: str, tmp_path: Path) -> None:
    text = show(name, tmp_path).text
    assert "There is no published database yet" in text
    assert "leadtime run --landing DIR" in text


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_they_run_over_empty_tables(name: str, nothing: Path) -> None:
    text = show(name, nothing).text
    assert {
        "comparison": "Both sides are the same: choose another one.",
        "conversion": "No lead entered.",
        "data_quality": "The latest 1 of 1.",
        "flow": "There is no lead yet.",
        "outcomes": "No lead has an outcome yet, or too few to draw a curve.",
        "resolution_times": "No such interval of any lead has ended yet.",
    }[name] in text


@pytest.mark.nightly
@pytest.mark.parametrize("name", NOTEBOOKS)
def test_they_run_over_one_process_without_a_funnel(name: str, one_lead: Path) -> None:
    text = show(name, one_lead).text
    assert {
        "comparison": "No lead entered on one of the sides.",
        "conversion": "Select a bar to list its processes.",
        "data_quality": "Files in ingest order",
        "flow": "Open processes by time in their state",
        "outcomes": "No lead has an outcome yet",
        "resolution_times": "No such interval of any lead has ended yet.",
    }[name] in text


@pytest.mark.nightly
def test_a_report_over_one_process_has_its_open_work(
    one_lead: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LEADTIME_DATA", str(one_lead))
    con = connect()
    assert con is not None
    with con:
        report = read_report(con, "lead")
    page = html_report([report])
    titles = [section.title for section in report.sections]
    assert "Open processes by time in their state" in titles
    assert not [title for title in titles if title.startswith("Funnel")]
    assert "nan" not in page
