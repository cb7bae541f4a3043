"""Dagster's instance: how many runs it keeps, and what remains of those it drops."""

import sqlite3
from contextlib import closing
from pathlib import Path

import dagster as dg
from dagster._core.storage.event_log.sqlite import sqlite_event_log
from sqlalchemy import Engine, event

from pipelines.defs.instance import drop_old_runs, open_instance
from pipelines.settings import Settings


@dg.asset(check_specs=[dg.AssetCheckSpec("holds", asset="table")])
def table():
    return dg.MaterializeResult(check_results=[dg.AssetCheckResult(passed=True)])


JOB = dg.Definitions(assets=[table], jobs=[dg.define_asset_job("build")]).resolve_job_def("build")


def test_the_newest_finished_runs_stay_and_nothing_of_the_others(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path / "data", keep_runs=2)
    shards = settings.dagster_home / "history" / "runs"
    with open_instance(settings) as instance:
        quiet = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
        runs = [
            JOB.execute_in_process(instance=instance, run_config=quiet).run_id for _ in range(4)
        ]
        running = instance.create_run_for_job(JOB, status=dg.DagsterRunStatus.STARTED).run_id

        drop_old_runs(instance, settings)

        assert set(instance.get_run_ids()) == {*runs[2:], running}
    kept = {path.stem for path in shards.glob("*.db")}
    assert kept == {"index", *runs[2:], running}
    assert _runs_in(settings, "runs.db", "runs") == {*runs[2:], running}
    for name in ("asset_check_executions", "event_logs"):
        assert _runs_in(settings, "runs/index.db", name) == {*runs[2:], running}


def test_runs_of_an_instance_that_is_shared_with_others_stay(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path / "data", keep_runs=1)
    quiet = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
    with dg.DagsterInstance.ephemeral(str(tmp_path / "shared")) as instance:
        runs = {JOB.execute_in_process(instance=instance, run_config=quiet).run_id for _ in "ab"}
        drop_old_runs(instance, settings)
        assert set(instance.get_run_ids()) == runs


def test_files_stay_open_in_a_block_and_are_opened_as_dagster_does_after_it(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path / "data")
    opened: list[str] = []

    def note(connection: sqlite3.Connection, _: object) -> None:
        opened.append(connection.execute("pragma database_list").fetchone()[2])

    quiet = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
    former = vars(sqlite_event_log)["create_engine"]
    event.listen(Engine, "connect", note)
    try:
        with open_instance(settings) as instance:
            JOB.execute_in_process(instance=instance, run_config=quiet)
    finally:
        event.remove(Engine, "connect", note)
    assert vars(sqlite_event_log)["create_engine"] is former
    assert len(set(opened)) == 4  # runs, index of events, events of the run, schedules
    assert len(opened) <= 3 * 4  # a connection within another; without it there are dozens


def _runs_in(settings: Settings, file: str, table_name: str) -> set[str]:
    """The runs that a table of Dagster's storage has rows of."""
    with closing(sqlite3.connect(settings.dagster_home / "history" / file)) as con:
        return {run_id for (run_id,) in con.execute(f"select run_id from {table_name}")}
