"""The asset of pulled files: there only with an API, apart from `refresh`, and clear when it fails."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from pipelines.definitions import define
from pipelines.settings import PROCEDURES_FOLDER, Settings
from schemas.load import load_procedures
from tests.support.fake_platform import (
    TOKEN,
    Platform,
    landed,
    platform_settings,
    process,
    running_platform,
)

PROCEDURES = load_procedures(PROCEDURES_FOLDER)
PULLED = dg.AssetKey(["landing", "pull"])


@pytest.fixture
def platform() -> Iterator[Platform]:
    with running_platform() as server:
        yield server


@pytest.fixture
def settings(tmp_path: Path, platform: Platform, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("LEADTIME_API_TOKEN", TOKEN)
    return platform_settings(tmp_path, platform.url)


def run(settings: Settings) -> dg.ExecuteInProcessResult:
    job = define(settings, PROCEDURES).resolve_job_def("pull")
    with dg.DagsterInstance.ephemeral() as instance:
        return job.execute_in_process(
            instance=instance,
            raise_on_error=False,
            run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
        )


def test_without_an_api_there_is_nothing_to_pull() -> None:
    definitions = define(Settings(), PROCEDURES)
    assert PULLED not in definitions.resolve_asset_graph().get_all_asset_keys()
    assert [schedule.name for schedule in definitions.schedules or []] == ["nightly"]


def test_with_one_it_is_no_part_of_refresh(settings: Settings) -> None:
    with_api, without = define(settings, PROCEDURES), define(Settings(), PROCEDURES)
    assert PULLED in with_api.resolve_asset_graph().get_all_asset_keys()

    def steps(definitions: dg.Definitions) -> set[str]:
        return set(definitions.resolve_job_def("refresh").graph.node_dict)

    assert steps(with_api) == steps(without)
    assert [s.name for s in with_api.schedules or []] == ["nightly", "nightly_pull"]


def test_it_lands_files_and_counts_them(platform: Platform, settings: Settings) -> None:
    platform.processes["order"] = [process(n) for n in range(3)]
    result = run(settings)
    assert result.success
    (event,) = result.asset_materializations_for_node("landing__pull")
    counts = {name: event.metadata[name].value for name in ("new_versions", "pages", "new_files")}
    assert counts == {"new_versions": 3, "pages": 1, "new_files": 1}
    assert len(landed(settings)) == 3


def test_it_fails_with_what_to_do(platform: Platform, settings: Settings) -> None:
    platform.token = "another"
    result = run(settings)
    assert not result.success
    (failure,) = [e for e in result.all_events if e.is_step_failure]
    error = failure.step_failure_data.error
    while error is not None and error.cause is not None:
        error = error.cause
    assert error is not None
    assert "LEADTIME_API_TOKEN: the API refuses the token" in error.message
    assert TOKEN not in str(failure)
