"""`leadtime publish`: its targets, what it prints, and how it fails."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest
import typer

from pipelines.cli.app import open_console
from pipelines.cli.erasure import renew_copies
from pipelines.settings import Settings
from tests.support.command_line import leadtime
from tests.support.made_generations import ROWS, facts_of, write_generation


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    settings = Settings(data=tmp_path / "data")
    for number in (1, 2):
        write_generation(settings, number)
    return settings


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "tables"


def test_it_copies_once(settings: Settings, folder: Path) -> None:
    pytest.importorskip("deltalake", reason="its extra is not installed")
    words = ("publish", "--data", settings.data, "--to", f"delta://{folder}")
    result = leadtime(*words)
    rows = f"{4 + 4 * ROWS:,}"
    said = f"delta://{folder}: generation 2, 5 tables and {rows} rows in "
    assert (result.code, result.err) == (0, "")
    assert result.out.startswith(said)
    assert leadtime(*words).out == f"delta://{folder}: has generation 2 already.\n"
    assert "generation 1, 5 tables" in leadtime(*words, "--generation", 1).out
    assert facts_of(folder / "current.json")["generation"] == 1


def test_each_target_of_the_setting_gets_it(
    settings: Settings, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that fails does not keep the others waiting."""
    pytest.importorskip("deltalake", reason="its extra is not installed")
    folder.mkdir()
    (folder / "mine").touch()
    monkeypatch.setenv("LEADTIME_PUBLISH_TO", f"delta://{folder} delta://{folder}2")
    # With another folder than that of the environment, the setting does not count.
    assert leadtime("publish", "--data", settings.data).code == 2
    monkeypatch.setenv("LEADTIME_DATA", str(settings.data))
    result = leadtime("publish")
    assert result.code == 1
    assert result.err.startswith(f"delta://{folder}: has other files (mine). Name a new or")
    assert result.out.startswith(f"delta://{folder}2: generation 2, ")


def test_an_erasure_removes_former_generations_there(
    settings: Settings, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("deltalake", reason="its extra is not installed")
    settings = replace(settings, publish_to=f"delta://{folder}")
    renew_copies(open_console(), settings)
    for path in settings.generations.iterdir():
        path.unlink()
    write_generation(settings, 3)
    renew_copies(open_console(), settings)
    (left,) = folder.glob("generation-*")
    assert left.name.startswith("generation-000003-")
    (folder / "mine").touch()
    with pytest.raises(typer.Exit):
        renew_copies(open_console(), settings)
    assert "The copies that failed still have the values" in capsys.readouterr().out


def test_a_missing_library_is_named_with_the_command(
    settings: Settings, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("deltalake", "adbc_driver_postgresql", "adbc_driver_postgresql.dbapi"):
        monkeypatch.setitem(sys.modules, module, None)
    for address, extra in ((f"delta://{folder}", "delta"), ("postgres://h/db", "postgres")):
        result = leadtime("publish", "--data", settings.data, "--to", address)
        assert (result.code, result.out) == (1, "")
        assert result.err.startswith(f"{address}")
        assert "needs a package that is not installed" in result.err
        assert f"`uv tool install 'leadtime[{extra}]'`" in result.err
        assert f"`uv sync --extra {extra}`" in result.err
    assert not folder.exists()


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        ((), 2, "Give a target, or set LEADTIME_PUBLISH_TO"),
        (
            ("--to", "nowhere"),
            1,
            "--to: found a text of another form. Give delta://DIR, delta+s3://",
        ),
        (("--to", "delta://x", "--generation", 7), 1, "generation: found 7. Kept in "),
        (("--to", "delta://x", "--data", "none"), 1, "there is no published database yet."),
    ],
)
def test_what_cannot_be_copied_is_an_error(
    settings: Settings, options: tuple[object, ...], code: int, said: str
) -> None:
    result = leadtime("publish", "--data", settings.data, *options)
    assert (result.code, result.out) == (code, "")
    assert said in result.err
