"""The partitioned job that writes databases as at the ends of months."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import duckdb
import pytest

from pipelines.definitions import define
from pipelines.defs.month_ends import end_of_month
from pipelines.settings import PROCEDURES_FOLDER, Settings, from_environment
from pipelines.simulator import simulate
from schemas.load import load_procedures

PROCEDURES = load_procedures(PROCEDURES_FOLDER)


def test_without_a_folder_there_is_no_such_job() -> None:
    names = [job.name for job in define(Settings(), PROCEDURES).resolve_all_job_defs()]
    assert "month_ends" not in names


@pytest.mark.parametrize(
    ("month", "zone", "end"),
    [
        ("2026-12", "UTC", "2026-12-31T23:59:59.999000+00:00"),
        ("2026-03", "Europe/Berlin", "2026-03-31T23:59:59.999000+02:00"),  # summer time began
        ("2026-02", "Asia/Kolkata", "2026-02-28T23:59:59.999000+05:30"),
    ],
)
def test_a_month_ends_in_the_reporting_time_zone(month: str, zone: str, end: str) -> None:
    assert end_of_month(month, zone).isoformat() == end


def test_a_partition_says_instant_and_file(tmp_path: Path) -> None:
    settings = Settings(month_ends=tmp_path, time_zone="America/New_York")
    job = define(settings, PROCEDURES).resolve_job_def("month_ends")
    assert job.partitioned_config is not None
    config = job.partitioned_config.get_run_config_for_partition_key("2026-10")
    assert config["resources"]["warehouse"]["config"] == {
        "as_of": "2026-10-31T23:59:59.999000-04:00",
        "out": f"{tmp_path}/2026-10.duckdb",
    }


@pytest.mark.nightly
def test_a_partition_is_the_database_as_at_the_end_of_its_month(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(data=tmp_path / "data", landing=tmp_path / "landing")
    end = datetime(2026, 3, 10, tzinfo=UTC)
    simulate(settings.landing, versions=300, seed=11, end=end)
    for name, value in (
        ("DATA", settings.data),
        ("LANDING", settings.landing),
        ("MONTH_ENDS", tmp_path / "months"),
    ):
        monkeypatch.setenv(f"LEADTIME_{name}", str(value))
    job = define(from_environment(), PROCEDURES).resolve_job_def("month_ends")
    assert job.partitions_def is not None
    assert job.partitioned_config is not None
    keys = job.partitions_def.get_partition_keys(current_time=end)
    assert [*keys][-2:] == ["2026-01", "2026-02"]
    with dg.DagsterInstance.ephemeral() as instance:
        quiet = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
        config = {**job.partitioned_config.get_run_config_for_partition_key("2026-02"), **quiet}
        done = job.execute_in_process(instance=instance, partition_key="2026-02", run_config=config)
    assert done.success
    with duckdb.connect(tmp_path / "months" / "2026-02.duckdb", read_only=True) as con:
        (as_of,) = con.execute("select as_of from build").fetchall()[0]
        latest = con.execute("select max(updated_at) from processes").fetchall()[0][0]
    assert as_of == datetime(2026, 2, 28, 23, 59, 59, 999_000)
    assert latest <= as_of
    assert not settings.published.exists()
