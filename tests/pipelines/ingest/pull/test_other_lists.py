"""Tasks, calls and records, where the settings say at which paths the API lists them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from pipelines.ingest.pull.pull import pull
from pipelines.settings import Settings, from_environment
from schemas.errors import OperationError
from schemas.load import load_procedures
from tests.support.fake_platform import (
    ORDER_ID,
    START,
    Clock,
    Platform,
    landed_lines,
    process,
)
from tests.support.source_zone import SourceZone

TASKS, CALLS, RECORDS = "/v1/ext/task/list", "/v1/ext/call/list", "/v1/ext/record/list"


def call(number: int, **changes: Any) -> dict[str, Any]:
    return {
        "id": f"20000000-0000-4000-8000-{number:012}",
        "team": ORDER_ID,
        "forProcess": process(1)["id"],
        "createdAt": START + number,
        "updatedAt": START + number,
        "callStart": START + number,
        "callStatus": "UNANSWERED",
        **changes,
    }


def task(number: int, **changes: Any) -> dict[str, Any]:
    return {
        "id": f"30000000-0000-4000-8000-{number:012}",
        "team": ORDER_ID,
        "process": process(1)["id"],
        "status": "OPEN",
        "createdAt": START + number,
        "updatedAt": START + number,
        **changes,
    }


@pytest.fixture
def with_paths(settings: Settings) -> Settings:
    return replace(settings, api_tasks_path=TASKS, api_calls_path=CALLS)


def test_new_versions_are_landed_and_taken_in(platform: Platform, with_paths: Settings) -> None:
    platform.processes["order"] = [process(1)]
    platform.others = {CALLS: [call(n) for n in range(250)], TASKS: [task(1)]}
    platform.faults = [None, "503", None, "reset"]
    report = pull(with_paths, waits=Clock().waits)
    assert report.all_problems == []
    assert [(one.procedure, one.versions) for one in report.procedures] == [
        ("order", 1), ("tasks", 1), ("calls", 250),
    ]  # fmt: skip
    zone = SourceZone(with_paths.landing, load_procedures(with_paths.procedures))
    counts = zone.take_in().counts
    assert (counts.lines, counts.accepted, counts.quarantined) == (252, 252, 0)
    assert pull(with_paths, waits=Clock().waits).versions == 0
    platform.others[CALLS][7] = call(7, updatedAt=START + 999, callStatus="ANSWERED")
    del platform.others[CALLS][9]
    later = Clock(Clock().at.replace(day=2))
    report = pull(with_paths, waits=later.waits)
    assert (report.versions, len(landed_lines(with_paths, "calls-*"))) == (1, 251)
    (note,) = [note for one in report.procedures for note in one.notes]
    assert note == "1 known call no longer listed: what was landed of them stays"
    assert not any("call/2" in path for path, _ in platform.requests)


def test_records_give_processes_their_names(platform: Platform, settings: Settings) -> None:
    ids = [f"40000000-0000-4000-8000-{number:012}" for number in range(120)]
    platform.processes["order"] = [process(1, record=ids[7])]
    records = [{"id": id_, "name": f"Firm {id_[-3:]}", "data": {}} for id_ in ids]
    platform.others = {RECORDS: records}
    with_path = replace(settings, api_records_path=RECORDS)
    report = pull(with_path, waits=Clock().waits)
    assert [(one.procedure, one.versions) for one in report.procedures] == [
        ("order", 1), ("records", 120),
    ]  # fmt: skip
    zone = SourceZone(settings.landing, load_procedures(settings.procedures))
    counts = zone.take_in().counts
    assert (counts.lines, counts.accepted, counts.quarantined) == (121, 121, 0)
    stored = "select name from raw.dimension_rows where dimension = 'records' order by ingest_seq"
    assert [name for (name,) in zone.rows(stored)][7] == "Firm 007"
    platform.others[RECORDS][7] = {**records[7], "name": "Another firm"}
    later = Clock(Clock().at.replace(day=2))
    report = pull(with_path, waits=later.waits)
    assert [one.versions for one in report.procedures] == [0, 1]
    assert zone.take_in().counts.accepted == 1
    assert zone.rows(stored)[-1] == ("Another firm",)


def test_there_are_none_without_a_path_or_with_a_choice(
    platform: Platform, settings: Settings, with_paths: Settings
) -> None:
    platform.processes["order"] = [process(1)]
    platform.others = {CALLS: [call(1)], TASKS: [task(1)]}
    for settings_, names in ((settings, ()), (with_paths, ("order",))):
        report = pull(settings_, names=names, waits=Clock().waits)
        assert [one.procedure for one in report.procedures] == ["order"]


def test_a_path_that_does_not_answer_is_a_problem_and_the_rest_is_landed(
    platform: Platform, with_paths: Settings
) -> None:
    platform.processes["order"] = [process(1)]
    platform.others = {CALLS: [call(1)]}
    report = pull(
        replace(with_paths, api_tasks_path="/v1/ext/procedure/none/list"), waits=Clock().waits
    )
    (problem,) = report.all_problems
    assert problem.startswith("tasks: POST /v1/ext/procedure/none/list: the API answers 404")
    assert [one.versions for one in report.procedures] == [1, 0, 1]


def test_a_procedure_called_calls_is_no_call(platform: Platform, settings: Settings) -> None:
    definition = settings.procedures / "order.yaml"
    definition.write_text(definition.read_text().replace("shortId: order", "shortId: calls", 1))
    platform.config = {"procedures": [{"id": ORDER_ID, "shortId": "calls"}]}
    platform.processes = {"calls": [process(1)]}
    report = pull(settings, waits=Clock().waits)
    (file,) = report.procedures[0].files
    assert file.startswith("pull/processes-calls-")
    zone = SourceZone(settings.landing, load_procedures(settings.procedures))
    assert zone.take_in().counts.accepted == 1
    assert zone.rows("select count(*) from raw.process_versions") == [(1,)]


@pytest.mark.parametrize("path", ["v1/ext/task", "/a b", "/a?b=c", "https://x/y", "/a//b", "/"])
def test_a_path_is_a_path(monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    monkeypatch.setenv("LEADTIME_API_TASKS_PATH", path)
    with pytest.raises(OperationError, match="LEADTIME_API_TASKS_PATH: found"):
        from_environment()


def test_what_is_no_longer_listed_is_told_once(platform: Platform, with_paths: Settings) -> None:
    platform.processes["order"] = [process(1)]
    platform.others = {CALLS: [call(n) for n in range(1_200)], TASKS: []}
    pull(with_paths, waits=Clock().waits)
    del platform.others[CALLS][10:]
    clock = Clock(Clock().at.replace(day=2))
    notes = [note for one in pull(with_paths, waits=clock.waits).procedures for note in one.notes]
    assert notes == ["1,190 known calls no longer listed: what was landed of them stays"]
    clock.sleep(60)
    assert not any(one.notes for one in pull(with_paths, waits=clock.waits).procedures)
