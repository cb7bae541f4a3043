"""What interrupted runs leave behind, and a write-ahead log that cannot be replayed."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from pipelines.run import Request, open_run
from pipelines.settings import Settings
from pipelines.warehouse.open import open_warehouse, read_warehouse
from pipelines.warehouse.stale_tables import drop_stale_tables
from schemas.definitions.procedure import Procedures
from schemas.errors import CorruptWarehouse
from tests.support.landing_zone import PROCEDURES, lead

KILLED = """
import os, sys
from pathlib import Path
from pipelines.settings import Settings
from pipelines.warehouse.open import open_warehouse

settings = Settings(data=Path(sys.argv[1]))
with open_warehouse(settings, purpose="a test") as con:
    (settings.temporary / "leadtime-abc.ndjson").write_text("{}")
    (settings.temporary / "as_of_build.duckdb").touch()
    settings.generations.mkdir()
    (settings.generations / ".analytics-000007.duckdb.building").touch()
    (settings.generations / ".analytics-000007.duckdb.building.wal").touch()
    (settings.generations / "analytics-000006.duckdb").touch()
    con.execute("create table raw.marker as select 1 as n")
    con.execute("insert into raw.marker select 2 from range(10_000)")
    os._exit(9)
"""


@pytest.fixture
def killed(tmp_path: Path) -> Settings:
    """A data folder whose last process was killed while it held the warehouse."""
    settings = Settings(data=tmp_path / "data", wait_seconds=0)
    ended = subprocess.run([sys.executable, "-c", KILLED, str(settings.data)], check=False)
    assert ended.returncode == 9
    return settings


def test_the_next_process_removes_what_a_killed_one_left(killed: Settings) -> None:
    assert len(list(killed.temporary.iterdir())) == 2
    with open_warehouse(killed, purpose="a test") as con:
        assert list(killed.temporary.iterdir()) == []
        assert con.execute("select count(*) from raw.marker").fetchall() == [(10_001,)]
    assert [path.name for path in killed.generations.iterdir()] == ["analytics-000006.duckdb"]


def test_a_run_as_of_an_earlier_instant_leaves_nothing_behind(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path / "data", landing=tmp_path / "landing")
    settings.landing.mkdir()
    (settings.landing / "a.ndjson").write_bytes(lead(1) + lead(1, updatedAt=1_770_000_000_000))
    request = Request(as_of=datetime(2025, 12, 1, tzinfo=UTC))
    with open_run(settings, request, purpose="a test") as run:
        run.ingest()
        run.builder.refresh_history("processes")
        assert (settings.temporary / "as_of_build.duckdb").exists()
    assert list(settings.temporary.iterdir()) == []


@pytest.mark.parametrize("damage", ["flipped", "of another database"])
def test_a_damaged_write_ahead_log_is_named_with_what_to_do(
    killed: Settings, tmp_path: Path, damage: str
) -> None:
    log = killed.warehouse.with_name("warehouse.duckdb.wal")
    whole = bytearray(log.read_bytes())
    if damage == "flipped":
        whole[len(whole) // 2] ^= 0x5A
        log.write_bytes(whole)
    else:
        other = tmp_path / "other.duckdb"
        with duckdb.connect(other) as con:
            con.execute("create table t as select 1 as a")
        other.replace(killed.warehouse)
    with (
        pytest.raises(CorruptWarehouse) as refused,
        open_warehouse(killed, purpose="a test"),
    ):
        pass
    assert refused.value.place == str(log)
    assert "write-ahead log of the database is damaged" in str(refused.value)
    assert "Move it away and run again" in str(refused.value)
    with pytest.raises(CorruptWarehouse), read_warehouse(killed):
        pass


def test_tables_of_procedures_that_are_gone_are_dropped(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path / "data", landing=tmp_path / "landing")
    settings.landing.mkdir()
    (settings.landing / "a.ndjson").write_bytes(lead(1))
    with open_run(settings, Request(), purpose="a test") as run:
        run.ingest()
        for name in run.builder.names("history"):
            run.builder.refresh_history(name)
        tables = "select table_name from duckdb_tables() where schema_name = 'history'"
        before = {name for (name,) in run.con.execute(tables).fetchall()}
        assert {"ticket_attributes", "lead_attributes", "processes"} < before

        for name in ("script ticket x", "script lead grade"):
            run.con.execute(f'create or replace table history."{name}" as select 1 as n')
        before |= {"script ticket x", "script lead grade"}

        only_leads = Procedures((PROCEDURES.by_short_id["lead"],), {}, PROCEDURES.calendars)
        # As an earlier version kept it, which is now a view.
        run.con.execute("create or replace table core.funnel_paths as select 1 as n")
        dropped = drop_stale_tables(run.con, only_leads)
        assert "core.funnel_paths" in dropped

        assert {"history.ticket_attributes", "history.script ticket x"} < set(dropped)
        after = {name for (name,) in run.con.execute(tables).fetchall()}
        assert before - after == {
            name.removeprefix("history.") for name in dropped if name.startswith("history.")
        }
        assert {"lead_attributes", "processes", "watermarks", "script lead grade"} < after
        marks = "select table_name from history.watermarks"
        marked = {name for (name,) in run.con.execute(marks).fetchall()}
        assert marked == after - {"watermarks", "signatures", "script lead grade"}
