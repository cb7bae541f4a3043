"""Exports as files: every table as Parquet, and what holds of the targets of all formats.

What a log holds is in the tests of its format.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipelines.cli import export as command_export
from pipelines.export import generation_files
from pipelines.export import xes as xes_format
from pipelines.settings import Settings
from tests.support.command_line import CommandResult, leadtime


def export(settings: Settings, *options: object) -> CommandResult:
    return leadtime("export", "--data", settings.data, *options)


def in_files(folder: Path, query: str) -> list[tuple[Any, ...]]:
    with duckdb.connect() as con:
        for path in sorted(folder.iterdir()):
            con.execute(f"create view {path.stem} as from read_parquet($${path}$$)")
        return con.execute(query).fetchall()


def in_database(settings: Settings, query: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(settings.published, read_only=True) as con:
        return con.execute(query).fetchall()


def in_people(settings: Settings, query: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(settings.people, read_only=True) as con:
        return con.execute(query).fetchall()


def test_every_table_is_a_file_with_the_same_rows(settings: Settings, tmp_path: Path) -> None:
    folder = tmp_path / "it's"
    folder.mkdir()
    result = export(settings, "--parquet", folder, "--personal")
    tables = [name for (name,) in in_database(settings, "show tables")]
    rows = 0
    with duckdb.connect(settings.published, read_only=True) as con:
        con.execute("set variable folder = $folder", {"folder": str(folder)})
        for name in tables:
            copied = f"from read_parquet(getvariable('folder') || '/{name}.parquet')"
            assert con.execute(copied).fetchall() == con.execute(f'from "{name}"').fetchall()
            described = [(column[0], str(column[1])) for column in con.execute(copied).description]
            original = con.execute(f'from "{name}"').description
            assert described == [(column[0], str(column[1])) for column in original]
            rows += con.execute(f'select count(*) from "{name}"').fetchall()[0][0]
    personal = in_people(settings, "select table_name from duckdb_tables() order by all")
    for (name,) in personal:
        query = f"select count(*) from people_{name}"
        ((n_rows,),) = in_people(settings, query.replace("people_", ""))
        assert in_files(folder, query) == [(n_rows,)]
        rows += n_rows
    names = [*tables, *(f"people_{name}" for (name,) in personal)]
    assert sorted(path.name for path in folder.iterdir()) == sorted(f"{n}.parquet" for n in names)
    assert result.out == f"{folder}: {len(names)} tables and {rows:,} rows.\n"
    query = "select name from people_users order by all"
    assert in_files(folder, query) == [("Ann & co",)]
    assert [path.name for path in tmp_path.iterdir()] == ["it's"]


def test_personal_data_stay_out_unless_asked_for(settings: Settings, tmp_path: Path) -> None:
    folder = tmp_path / "tables"
    result = export(settings, "--parquet", folder)
    assert "with personal data" in result.out
    assert "Left out: 1 change of such attributes." in result.out
    query = "select attribute, new_value from attribute_changes order by all"
    assert in_files(folder, query) == [
        ("place", "{'lat': 1.0, 'lng': 3.0}"),
        ("size", "2"),
        ("size", None),
    ]
    assert in_files(folder, "describe users") == in_files(
        folder, "describe select user_id from users"
    )
    assert in_files(folder, "select count(note) from order_processes") == [(1,)]
    held = in_files(folder, "select column_name from (describe order_processes)")
    assert {("mail",), ("record_name",), ("assigned_to_name",)}.isdisjoint(held)
    compression = f"select distinct compression from parquet_metadata('{folder}/processes.parquet')"
    assert in_files(folder, compression) == [("ZSTD",)]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ((), "Give one of --xes, --ocel, --parquet or --metricflow."),
        (
            ("--xes", "a.xes", "--ocel", "a.sqlite"),
            "Give one of --xes, --ocel, --parquet or --metricflow.",
        ),
        (("--parquet", "a", "--procedure", "order"), "Allowed only with --xes or --ocel."),
        (("--metricflow", "a", "--procedure", "order"), "Allowed only with --xes or --ocel."),
        (("--metricflow", "a", "--personal"), "Not allowed with --metricflow"),
        (("--ocel", "o.json"), "found o.json. Only OCEL in .sqlite, .sqlite3 or .db files"),
        (("--ocel", "o.sqlite.gz"), "found o.sqlite.gz. Only OCEL in"),
        (("--xes", "o.json"), "found o.json. Only XES in .xes or .xes.gz files is written."),
        (("--xes", "a.gz"), "found a.gz. Only XES in"),
        (("--xes", "analytics.duckdb"), "found analytics.duckdb. Only XES in"),
    ],
)
def test_wrong_usage_is_an_error(settings: Settings, options: tuple[str, ...], said: str) -> None:
    result = export(settings, *options)
    assert result.code == 2
    assert said in result.err


@pytest.mark.parametrize("option", ["--xes", "--ocel"])
def test_an_unknown_procedure_is_an_error_that_lists_the_known_ones(
    settings: Settings, tmp_path: Path, option: str
) -> None:
    result = export(settings, option, tmp_path / "log", "--procedure", "lead")
    assert (result.code, result.out) == (1, "")
    assert result.err == "--procedure: found 'lead'. Name one of these: order, visit.\n"
    assert [*tmp_path.iterdir()] == []


def test_impossible_targets_are_errors(settings: Settings, tmp_path: Path) -> None:
    for option in ("--xes", "--ocel"):
        for path, found in (
            (tmp_path, "is a folder"),
            (tmp_path / "no" / "log", "there is no such folder"),
        ):
            result = export(settings, option, path)
            assert (result.code, result.out) == (1, "")
            assert f"{path}: {found}. Name a file such as log." in result.err
    (tmp_path / "file").touch()
    for path, found in (
        (settings.data, "is not empty"),
        (tmp_path / "file", "cannot be written to"),
        (tmp_path / "no" / "folder", "cannot be written to"),
    ):
        result = export(settings, "--parquet", path)
        assert (result.code, result.out) == (1, "")
        assert f"{path}: {found}. Name a new or an empty folder." in result.err
    nothing = leadtime("export", "--xes", tmp_path / "log.xes", "--data", tmp_path / "no")
    assert nothing.code == 1
    assert "no published database yet" in nothing.err
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("name", ["log.xes", "log.xes.gz", "log.sqlite"])
def test_a_log_is_whole_or_as_before(
    settings: Settings, tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last step before the end fails: all that was written is gone."""
    monkeypatch.setattr(xes_format, "_traces", failing)
    monkeypatch.setattr("pipelines.export.ocel.relations_sql", failing)
    path = tmp_path / name
    path.write_text("before")
    option = "--ocel" if name == "log.sqlite" else "--xes"
    assert export(settings, option, path).err == FULL.format(tmp_path)
    assert path.read_text() == "before"
    assert [*tmp_path.iterdir()] == [path]


def test_a_folder_is_whole_or_not_there(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write_tables(*args: Any, **options: Any) -> None:
        generation_files.write_tables(*args, **options)
        failing()

    monkeypatch.setattr(command_export, "write_tables", write_tables)
    assert export(settings, "--parquet", tmp_path / "tables").err == FULL.format(tmp_path).replace(
        "another file", "another folder"
    )
    assert [*tmp_path.iterdir()] == []


FULL = "{}: no space left there. Make room, or name another file.\n"


def failing(*_: object) -> Any:
    raise OSError("disk is full")
