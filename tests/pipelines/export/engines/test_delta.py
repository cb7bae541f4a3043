"""Delta tables: types and comments as other readers see them, and one generation at a time."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from pipelines.export.engines.address import parse_address
from pipelines.export.engines.copied import Copied
from pipelines.export.engines.copy import copy_generation
from pipelines.settings import Settings
from schemas.errors import OperationError
from tests.support.delta_tables import rows_of
from tests.support.made_generations import ROWS, facts_of, write_generation
from tests.support.mortal_copy import mortal_copies

deltalake = pytest.importorskip("deltalake", reason="its extra is not installed")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data=tmp_path / "data")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "tables"


def copy(settings: Settings, folder: Path, generation: int | None = None) -> Copied:
    named = str(generation) if generation else None
    return copy_generation(settings, parse_address(f"delta://{folder}"), generation=named)


def generation_in(folder: Path) -> int:
    """The generation of a folder whose tables agree: what a reader may see."""
    current = (folder / "current").resolve()
    (number,) = rows_of(current / "build", "select generation from t")[0]
    for name in ("processes", "visits"):
        query = "select min(generation), max(generation), count(*) from t"
        assert rows_of(current / name, query) == [(number, number, number * ROWS)]
    return number


def test_types_and_comments_are_those_of_delta(settings: Settings, folder: Path) -> None:
    write_generation(settings, 3)
    copy(settings, folder)
    table = deltalake.DeltaTable(str(folder / "current" / "processes"))
    assert table.metadata().description == "Rows of processes; it's. Grain: one row."
    assert [f.metadata for f in table.schema().fields] == [{}, {"comment": "Number; it's from 0."}]
    assert table.history()[0]["leadtime.generation"] == "3"
    odd = pl.read_delta(str(folder / "current" / "odd"))
    assert odd.row(1) == (None,) * len(odd.columns)
    named = odd.row(0, named=True)
    assert odd.schema["an_instant"] == pl.Datetime("us", "UTC")
    assert str(named["an_instant"]) == "2026-03-29 02:30:00.123456+00:00"
    assert str(named["an_old_instant"]) == "1890-01-01 00:00:00+00:00"
    assert odd.schema["a_decimal"] == pl.Decimal(38, 9)
    assert str(named["a_decimal"]) == "-12345678901234567890.123456789"
    texts = {name: named[name] for name, kind in odd.schema.items() if kind == pl.String}
    assert texts == {
        "a_uuid": "00000000-0000-4000-8000-00000000000a",
        "a_json": r'{"b": 1, "a": "\u0000 \\u0000 ü", "n": 1e400}',
        "a_huge_json": "[1e200000]",
        "a_time": "10:00:01.5",
        "an_interval": "1 month 2 days 00:00:03",
        "a_text": "tab\t, \0 nul, 'quotes' \\ \U0001f600",
        "an_empty_text": "",
        "an_enum": "b",
    }
    assert (named["a_hugeint"], named["a_ubigint"]) == (10**38 - 1, 2**64 - 1)
    assert named["texts"] == ["a", None, "", "x\0"]
    assert named["ids"] == [texts["a_uuid"]]
    assert named["struct"] == {"id": texts["a_uuid"], "l": ["10:00:00"]}
    assert str(named["structs"][0]["at"]) == "2026-01-01 00:00:00+00:00"
    assert named["bytes"] == b"\0\xff"
    assert named["ctid"] == 1


def test_the_same_generation_is_written_once(settings: Settings, folder: Path) -> None:
    write_generation(settings, 1)
    assert copy(settings, folder).is_new
    before = {path: path.lstat().st_mtime_ns for path in folder.rglob("*")}
    assert not copy(settings, folder).is_new
    assert {path: path.lstat().st_mtime_ns for path in folder.rglob("*")} == before
    # Another data folder has a generation of that number too.
    write_generation(settings, 1, built_at="2026-04-01")
    assert copy(settings, folder).is_new


def test_generations_stay_as_long_as_in_the_data_folder(
    settings: Settings, folder: Path, tmp_path: Path
) -> None:
    for number in range(1, 8):
        write_generation(settings, number)
        copy(settings, folder)
    names = sorted(path.name.rpartition("-")[0] for path in folder.glob("generation-*"))
    assert names == [f"generation-{number:06}" for number in range(3, 8)]
    assert facts_of(folder / "current.json")["generation"] == 7
    assert (
        facts_of(folder / "current.json")["rows"]
        == facts_of(folder / "current/generation.json")["rows"]
    )
    # One that is kept can be shown again; what an erasure removed goes at the next copy.
    assert copy(settings, folder, 6).is_new
    assert generation_in(folder) == 6
    for number in (3, 4, 5):
        (settings.generations / f"analytics-{number:06}.duckdb").unlink()
    copy(settings, folder)
    names = sorted(path.name.rpartition("-")[0] for path in folder.glob("generation-*"))
    assert names == ["generation-000006", "generation-000007"]
    # A file has no data folder that could tell: nothing goes but what is too much.
    path = settings.generations / "analytics-000007.duckdb"
    path.rename(tmp_path / "march.duckdb")
    copy(replace(settings, data=tmp_path / "march.duckdb"), folder)
    assert len([*folder.glob("generation-*")]) == 2


# A call at which a copy is killed, and how many generations behind the link is then.
DEATHS = {
    "pipelines.export.engines.delta:write_table 3": 1,
    "pipelines.export.engines.delta:_point_to 1": 1,
    "shutil:rmtree 2": 0,
}
MORE_DEATHS = {"pathlib:Path.rename 1": 1, "pathlib:Path.replace 1": 1, "pathlib:Path.replace 2": 0}


@pytest.mark.nightly
@pytest.mark.parametrize("deaths", [DEATHS, MORE_DEATHS])
def test_a_copy_that_is_killed_leaves_a_whole_generation(
    settings: Settings, folder: Path, deaths: dict[str, int]
) -> None:
    number = 1
    write_generation(settings, 1)
    copy(settings, folder)
    with mortal_copies() as mortal:
        for point, behind in deaths.items():
            number += 1
            write_generation(settings, number)
            (settings.generations / f"analytics-{number - 1:06}.duckdb").unlink()
            assert mortal(settings.data, f"delta://{folder}", point) == -9, point
            assert generation_in(folder) == number - behind
            copy(settings, folder)
            assert generation_in(folder) == number
            assert facts_of(folder / "current.json")["generation"] == number
            (left,) = folder.glob("generation-*")
            expected = {left.name, "current", "current.json", ".lock"}
            assert {path.name for path in folder.iterdir()} == expected


def test_a_reader_sees_one_generation_at_a_time(settings: Settings, folder: Path) -> None:
    for number in (1, 2):
        write_generation(settings, number)
    copy(settings, folder, 1)
    seen: list[int] = []
    is_done = threading.Event()

    def read() -> None:
        while not is_done.is_set():
            seen.append(generation_in(folder))

    reader = threading.Thread(target=read)
    reader.start()
    for number in (2, 1, 2, 1, 2):
        copy(settings, folder, number)
    is_done.set()
    reader.join()
    assert set(seen) <= {1, 2}
    assert seen


@pytest.mark.parametrize("made", ["file", "foreign", "data"])
def test_a_folder_of_others_is_left_alone(settings: Settings, folder: Path, made: str) -> None:
    write_generation(settings, 1)
    if made == "file":
        folder.write_text("")
    elif made == "foreign":
        folder.mkdir()
        (folder / "report.csv").write_text("")
    target = settings.data / "delta" if made == "data" else folder
    before = sorted(folder.parent.rglob("*"))
    with pytest.raises(OperationError, match="Name a new or an empty folder outside the data"):
        copy(settings, target)
    assert sorted(folder.parent.rglob("*")) == before


def test_readers_have_the_rights_of_the_published_database(
    settings: Settings, folder: Path
) -> None:
    write_generation(settings, 1)
    copy(settings, folder)
    modes = {path.lstat().st_mode & 0o777 for path in folder.rglob("*") if path.is_file()}
    assert modes == {0o440, 0o600}  # the lock is its owner's
    assert {path.stat().st_mode & 0o777 for path in (folder, *folder.rglob("*/"))} == {0o700}
