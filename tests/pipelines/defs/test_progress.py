"""What a cluster has done stands in the log of the Dagster run."""

from collections.abc import Callable
from pathlib import Path

import dagster as dg
import pytest

from pipelines import run as run_module
from pipelines.defs.resources import Session, WarehouseResource
from pipelines.settings import Settings

SENTENCE = "Spark computes history: 3 of 8 buckets after 40 s"


def test_the_log_of_a_run_says_how_far_the_cluster_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def engine_of(_: Settings, on_progress: Callable[[str], None]) -> None:
        on_progress(SENTENCE)

    monkeypatch.setattr(run_module, "engine_of", engine_of)
    monkeypatch.setenv("LEADTIME_DATA", str(tmp_path / "data"))
    (tmp_path / "data").mkdir()

    @dg.op
    def build(warehouse: dg.ResourceParam[Session]) -> None:
        with warehouse.stage("core") as run:
            assert run.builder

    @dg.job(resource_defs={"warehouse": WarehouseResource()})
    def job() -> None:
        build()

    with dg.DagsterInstance.ephemeral() as instance:
        quiet = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
        result = job.execute_in_process(instance=instance, run_config=quiet)
        messages = [entry.user_message for entry in instance.all_logs(result.run_id)]
    assert messages.count(SENTENCE) == 1
    assert "core" not in messages  # the step itself says so
