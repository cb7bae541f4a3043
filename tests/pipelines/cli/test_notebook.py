"""`leadtime notebook` as the shell sees it: its choices, what is refused, how marimo is called.

That a notebook is served and works in a browser is tested with the notebooks.
"""

from __future__ import annotations

import os
import re
import socket
import sys
from pathlib import Path

import duckdb
import pytest

from pipelines.cli import notebook
from tests.support.command_line import leadtime

NAMES = ("comparison", "conversion", "data_quality", "flow", "outcomes", "resolution_times")


@pytest.fixture
def arguments_of_marimo(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What this process would have become."""
    arguments_of_marimo: list[str] = []
    monkeypatch.setattr(os, "execv", lambda _, arguments: arguments_of_marimo.extend(arguments))
    return arguments_of_marimo


@pytest.fixture
def passed_on(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What marimo would have read from its standard input; that of this process stays."""
    passed_on: list[str] = []
    monkeypatch.setattr(notebook, "_pass_on_stdin", passed_on.append)
    return passed_on


@pytest.fixture
def printed_later(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What would have been printed once the server answered."""
    printed_later: list[str] = []
    monkeypatch.setattr(
        notebook, "print_when_it_answers", lambda text, *_, port: printed_later.append(text)
    )
    return printed_later


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data folder with a published database in which there is nothing."""
    with duckdb.connect(tmp_path / "analytics.duckdb") as con:
        con.execute("create table catalog (table_name varchar)")
    return tmp_path


def test_without_a_name_they_are_listed() -> None:
    result = leadtime("notebook")
    assert result.code == 0
    lines = result.out.splitlines()[2:]
    assert [line.split()[0] for line in lines] == list(NAMES)
    assert "Funnels by mode, window, days and values" in lines[1]


def test_an_unknown_name_is_answered_by_those_that_are_known(
    arguments_of_marimo: list[str], data: Path
) -> None:
    result = leadtime("notebook", "frob", "--data", data)
    assert (result.code, arguments_of_marimo) == (1, [])
    assert result.err == f"NAME: found 'frob'. Name one of these: {', '.join(NAMES)}.\n"


def test_without_a_publication_the_message_is_that_of_query(
    arguments_of_marimo: list[str], tmp_path: Path
) -> None:
    result = leadtime("notebook", "conversion", "--data", tmp_path)
    assert (result.code, arguments_of_marimo) == (1, [])
    assert result.err == leadtime("query", "from build", "--data", tmp_path).err
    assert "there is no published database yet" in result.err


def test_an_app_is_for_this_machine_only(
    arguments_of_marimo: list[str],
    passed_on: list[str],
    printed_later: list[str],
    data: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("LEADTIME_DATA", "elsewhere")
    result = leadtime("notebook", "conversion", "--data", data, "--port", 4321)
    address = r"http://127.0.0.1:4321\?access_token=([\w-]{40,})"
    assert result.out == "Starting the notebook conversion ...\n"
    printed = re.fullmatch(rf"conversion: {address} \(stop it with Ctrl-C\)", printed_later[0])
    assert printed
    assert printed[1] not in " ".join(arguments_of_marimo)
    assert passed_on == [printed[1]]
    assert arguments_of_marimo[-3:] == ["--token", "--token-password-file", "-"]
    assert arguments_of_marimo[:5] == [sys.executable, "-P", "-m", "marimo", "--quiet"]
    assert (arguments_of_marimo[5], Path(arguments_of_marimo[6]).name) == ("run", "conversion.py")
    assert arguments_of_marimo[7:12] == ["--host", "127.0.0.1", "--port", "4321", "--headless"]
    assert os.environ["LEADTIME_DATA"] == str(data.resolve())


def test_a_taken_port_is_said(arguments_of_marimo: list[str], data: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        result = leadtime("notebook", "conversion", "--data", data, "--port", port)
    assert (result.code, result.out, arguments_of_marimo) == (1, "", [])
    assert result.err.startswith(f"--port: {port} is taken.")


def test_the_editor_keeps_its_token_and_asks_nobody_for_updates(
    arguments_of_marimo: list[str], data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LEADTIME_DATA", "elsewhere")
    assert leadtime("notebook", "data_quality", "--data", data, "--edit").code == 0
    assert arguments_of_marimo[4] == "edit"
    assert "--skip-update-check" in arguments_of_marimo
    assert "--no-token" not in arguments_of_marimo
