"""`leadtime notebook` as the shell sees it: what there is, what is refused, what marimo is told.

That a notebook is served and works in a browser is tested with the notebooks.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import duckdb
import pytest

from tests.pipelines.test_command import leadtime

NAMES = ("conversion", "data_quality", "resolution_times")


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What this process would have become."""
    told: list[str] = []
    monkeypatch.setattr(os, "execv", lambda _, arguments: told.extend(arguments))
    return told


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data folder with a published database in which there is nothing."""
    with duckdb.connect(tmp_path / "analytics.duckdb") as con:
        con.execute("create table catalog (table_name varchar)")
    return tmp_path


def test_without_a_name_they_are_listed() -> None:
    said = leadtime("notebook")
    assert said.code == 0
    lines = said.out.splitlines()[2:]
    assert [line.split()[0] for line in lines] == list(NAMES)
    assert "funnels, cohorts, outcomes" in lines[0]


def test_an_unknown_name_is_answered_by_those_that_are_known(told: list[str], data: Path) -> None:
    said = leadtime("notebook", "frob", "--data", data)
    assert (said.code, told) == (1, [])
    assert said.err == f"NAME: found 'frob'. Name one of these: {', '.join(NAMES)}.\n"


def test_nothing_published_yet_is_said_as_by_query(told: list[str], tmp_path: Path) -> None:
    said = leadtime("notebook", "conversion", "--data", tmp_path)
    assert (said.code, told) == (1, [])
    assert said.err == leadtime("query", "from build", "--data", tmp_path).err
    assert "there is no published database yet" in said.err


def test_an_app_is_for_this_machine_only(
    told: list[str], data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LEADTIME_DATA", "elsewhere")
    said = leadtime("notebook", "conversion", "--data", data, "--port", 4321)
    assert said.out == "conversion: http://127.0.0.1:4321 (stop it with Ctrl-C)\n"
    assert told[:5] == [sys.executable, "-P", "-m", "marimo", "--quiet"]
    assert (told[5], Path(told[6]).name) == ("run", "conversion.py")
    assert told[7:12] == ["--host", "127.0.0.1", "--port", "4321", "--headless"]
    assert os.environ["LEADTIME_DATA"] == str(data.resolve())


def test_the_editor_keeps_its_token_and_asks_nobody_for_updates(
    told: list[str], data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LEADTIME_DATA", "elsewhere")
    assert leadtime("notebook", "data_quality", "--data", data, "--edit").code == 0
    assert told[4] == "edit"
    assert "--skip-update-check" in told
    assert "--no-token" not in told
