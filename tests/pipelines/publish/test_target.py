"""Where `--out` and Dagster's `out` may write: nowhere that holds anything but a former result."""

from __future__ import annotations

import errno
import json
import os
from datetime import datetime
from pathlib import Path

import duckdb
import pytest

from pipelines.publish.generation import current_generation, next_number, still_current
from pipelines.publish.target import move_to_name, require_out
from pipelines.run import Request, open_run
from pipelines.settings import Settings
from schemas.errors import OperationError


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A data folder with a warehouse."""
    settings = Settings(data=tmp_path / "data", wait_seconds=0)
    settings.data.mkdir()
    settings.warehouse.write_text("every version")
    (settings.data / "lease.json").touch()
    return settings


def database(path: Path, *tables: str) -> Path:
    with duckdb.connect(path) as con:
        for table in tables:
            con.execute(f"create table {table}")
    return path


def published(path: Path) -> Path:
    return database(path, "build as select '1' as leadtime_version", "catalog (table_name varchar)")


def refusal(settings: Settings, out: Path) -> str:
    with (
        pytest.raises(OperationError) as refused,
        open_run(settings, Request(out=out), purpose="a test"),
    ):
        pass
    return str(refused.value)


@pytest.mark.parametrize(
    "name",
    [
        "warehouse.duckdb",
        "analytics.duckdb",
        "analytics/analytics-000001.duckdb",
        "new.duckdb",
        "../link/new.duckdb",
    ],
)
def test_out_lies_outside_the_data_folder(settings: Settings, tmp_path: Path, name: str) -> None:
    (tmp_path / "link").symlink_to(settings.data)
    before = settings.warehouse.read_bytes()
    assert "lies in the data folder" in refusal(settings, settings.data / name)
    assert settings.warehouse.read_bytes() == before


def test_out_lies_outside_the_data_folder_of_others(settings: Settings, tmp_path: Path) -> None:
    own = Settings(data=tmp_path / "own", wait_seconds=0)
    assert "lies in the data folder" in refusal(own, settings.data / "analytics" / "new.duckdb")


def test_out_is_named_like_a_database(settings: Settings, tmp_path: Path) -> None:
    assert "does not end in .duckdb" in refusal(settings, tmp_path / "report.html")


def test_out_overwrites_nothing_but_what_was_published(settings: Settings, tmp_path: Path) -> None:
    note = tmp_path / "note.duckdb"
    note.write_text("mine")
    foreign = database(tmp_path / "foreign.duckdb", "mine as select 1")
    link = tmp_path / "link.duckdb"
    link.symlink_to(published(tmp_path / "former.duckdb"))
    dangling = tmp_path / "dangling.duckdb"
    dangling.symlink_to(tmp_path / "nowhere.duckdb")
    folder = tmp_path / "folder.duckdb"
    folder.mkdir()
    for place in (note, foreign, link, dangling, folder):
        assert "is not a database that leadtime published" in refusal(settings, place)
    assert note.read_text() == "mine"
    require_out(settings, tmp_path / "former.duckdb")


def test_a_former_result_is_replaced(tmp_path: Path) -> None:
    former = published(tmp_path / "out.duckdb")
    built = tmp_path / "built"
    built.write_text("new")
    move_to_name(built, former, may_replace=True)
    assert former.read_text() == "new"
    assert not built.exists()


@pytest.mark.parametrize("has_links", [True, False])
def test_a_name_that_was_taken_during_the_run_stays_with_its_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, has_links: bool
) -> None:
    if not has_links:
        monkeypatch.setattr(os, "link", without_links)
    path, built = tmp_path / "out.duckdb", tmp_path / "built"
    path.write_text("mine")
    built.write_text("new")
    with pytest.raises(OperationError, match="was created during the run"):
        move_to_name(built, path, may_replace=True)
    assert path.read_text() == "mine"


def test_a_file_is_renamed_where_links_are_not_supported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "link", without_links)
    path, built = tmp_path / "out.duckdb", tmp_path / "built"
    built.write_text("new")
    built.chmod(0o440)
    move_to_name(built, path)
    assert path.read_text() == "new"
    assert path.stat().st_mode & 0o777 == 0o440
    assert [file.name for file in tmp_path.iterdir()] == ["out.duckdb"]


def without_links(*_: object) -> None:
    raise OSError(errno.EXDEV, "Invalid cross-device link")


@pytest.mark.parametrize(
    "about",
    [
        {"generation": 10**400},
        {"generation": -(10**30)},
        {"generation": 10**12},
        {"generation": True},
        {"generation": 7.5},
        {"file": "/etc/passwd"},
        {"file": "analytics/analytics-000007.duckdb\0"},
        {"file": "../../analytics-" + "9" * 400 + ".duckdb"},
        "1e999",
        "[" * 100_000,
    ],
)
def test_a_pointer_that_makes_no_sense_is_not_followed(
    settings: Settings, about: dict[str, object] | str
) -> None:
    settings.generations.mkdir()
    (settings.generations / "analytics-000007.duckdb").touch()
    (settings.generations / f"analytics-{'9' * 100}.duckdb").touch()
    sound = {
        "generation": 8,
        "file": "analytics/analytics-000008.duckdb",
        "built_at": "2026-01-01T00:00:00",
    }
    pointer = settings.data / "current.json"
    pointer.write_text(json.dumps(sound))
    assert next_number(settings) == 9
    pointer.write_text(about if isinstance(about, str) else json.dumps(sound | about))
    assert next_number(settings) == 8
    assert current_generation(settings)["generation"] == 7
    assert still_current(settings, inputs="", as_of=datetime(2026, 1, 1)) is None
