"""A warehouse of an earlier version is migrated, one of a newer version is refused."""

from pathlib import Path

import duckdb
import pytest

from pipelines.settings import Settings
from pipelines.warehouse.open import open_warehouse, read_warehouse
from pipelines.warehouse.schema_version import SCHEMA_VERSION
from schemas.errors import OperationError


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data=tmp_path / "data", landing=tmp_path, procedures=tmp_path)


def opened(settings: Settings) -> list[str]:
    notes: list[str] = []
    with open_warehouse(settings, purpose="a test", on_note=notes.append):
        return notes


def change(settings: Settings, *statements: str) -> None:
    with duckdb.connect(settings.warehouse) as con:
        for statement in statements:
            con.execute(statement)


def stored(settings: Settings, query: str) -> list[tuple[object, ...]]:
    with duckdb.connect(settings.warehouse, read_only=True) as con:
        return con.execute(query).fetchall()


def test_a_new_warehouse_has_the_version_of_this_leadtime(settings: Settings) -> None:
    assert opened(settings) == []
    assert opened(settings) == []
    assert stored(settings, "select version from raw.schema_version") == [(SCHEMA_VERSION,)]


def test_a_warehouse_without_a_version_is_migrated_and_its_history_rebuilt(
    settings: Settings,
) -> None:
    opened(settings)
    change(
        settings,
        "drop table raw.schema_version",
        *(
            f"alter table raw.ingest_files drop column {name}"
            for name in (
                "content",
                "added",
                "source",
                "source_fingerprint",
                "erased",
                "former_sha256",
            )
        ),
        "alter table raw.process_versions drop column is_erased",
        "insert into raw.ingest_files values (1, 1, 'x', 'a.ndjson', 'ndjson', 'ingested', null, "
        "0, 0, 0, 0, 0, 0, timestamp '2026-01-01')",
        "create schema history",
        "create table history.watermarks (table_name varchar, batch_seq bigint, as_of timestamp, "
        "fingerprint varchar)",
    )
    (note,) = opened(settings)
    assert "had schema 1" in note
    assert "its history is rebuilt" in note
    query = "select file_name, content, added, source, erased, former_sha256 from raw.ingest_files"
    assert stored(settings, query) == [("a.ndjson", "processes", 0, None, 0, [])]
    history = "select count(*) from duckdb_tables() where schema_name = 'history'"
    assert stored(settings, history) == [(0,)]
    assert opened(settings) == []


def test_a_reader_asks_for_a_run_that_migrates(settings: Settings) -> None:
    opened(settings)
    change(settings, "drop table raw.schema_version")
    with pytest.raises(OperationError, match="leadtime run"), read_warehouse(settings):
        pass
    opened(settings)
    with read_warehouse(settings) as con:
        assert con.execute("select count(*) from raw.ingest_files").fetchall() == [(0,)]


def test_a_newer_warehouse_is_refused_and_left_as_it_is(settings: Settings) -> None:
    opened(settings)
    newer = f"update raw.schema_version set version = {SCHEMA_VERSION + 1}, "
    change(settings, newer + "leadtime_version = '9.1.0'", "drop table raw.landing_paths")
    with pytest.raises(OperationError, match=r"newer leadtime \(9\.1\.0\)"):
        opened(settings)
    with (
        pytest.raises(OperationError, match=r"newer leadtime \(9\.1\.0\)"),
        read_warehouse(settings),
    ):
        pass
    names = "select count(*) from duckdb_tables() where table_name = 'landing_paths'"
    assert stored(settings, names) == [(0,)]
