"""What older data needs of a definition: former names, removed states, and putting lines through again."""

from pathlib import Path
from typing import Any

import pytest

from pipelines.ingest.quarantine import replay
from pipelines.settings import Settings
from pipelines.warehouse.open import open_warehouse
from schemas.errors import DefinitionError
from schemas.load import load_procedures
from tests.support import changing_job as job
from tests.support.changing_job import (
    CHECK_STATE,
    DEFINITION,
    GRAPH_WITHOUT_PARKED,
    OTHER,
    STATES,
    Definition,
    changed,
    with_attribute,
    with_state,
)
from tests.support.definition_runs import (
    AS_OF,
    assert_same,
    copied,
    land,
    rows,
    run,
    warehouse,
)


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A warehouse that has taken in the first lines by the first definition."""
    settings = warehouse(tmp_path_factory.mktemp("before"), job.first_lines())
    run(settings, DEFINITION, OTHER)
    return settings


@pytest.mark.nightly
def test_values_are_found_under_former_names(before: Settings, tmp_path: Path) -> None:
    """`points` counts before its former name `score`, and the id before both."""
    definition = with_attribute(2, shortId="points", aliases=["score", "mark"])
    lines = [
        job.line(7, 1, job.NEW, {"score": 1, "points": 2, job.SCORE: 3}),
        job.line(8, 1, job.NEW, {"mark": 4, "score": 5}),
        job.line(8, 2, job.NEW, {"points": 5}),
    ]
    settings = copied(before, tmp_path)
    land(settings, lines)
    path = run(settings, definition, OTHER).path
    query = "select right(process_id::varchar, 1), points from job_processes order by all"
    assert rows(path, query) == [("1", 3), ("2", None), ("3", None), ("4", 146), ("7", 3), ("8", 5)]
    # The value of version 2 is the one of version 1, under another name.
    query = "select last_changed_at::varchar from job_processes where right(process_id, 1) = '8'"
    assert rows(path, query.replace("process_id", "process_id::varchar")) == [
        ("2025-10-09 09:53:20",)
    ]
    assert rows(path, "select rule, value from violations where rule like 'attr:score%'") == []
    assert rows(path, "select distinct value from violations where rule = 'attr:points:type'") == [
        ('"x"',)
    ]


def test_a_removed_state_keeps_its_place_its_name_and_its_versions(
    before: Settings, tmp_path: Path
) -> None:
    definition = with_state(2, removed=True) | {"stategraph": GRAPH_WITHOUT_PARKED}
    settings = copied(before, tmp_path)
    land(settings, [job.line(4, 8, job.PARKED, {}), job.line(4, 9, job.DONE, {})])
    path = run(settings, definition, OTHER).path
    states = "select state, state_rank, is_removed from states where procedure = 'job' order by 2"
    assert rows(path, states) == [
        ("NEW", 1, False),
        ("WORK", 2, False),
        ("PARKED", 3, True),
        ("DONE", 4, False),
    ]
    visits = (
        "select state, is_allowed, direction from state_visits where right(process_id::varchar, 1) "
        "in ('2', '4') order by process_id, visit_no"
    )
    assert rows(path, visits) == [
        ("NEW", None, "start"),
        ("PARKED", None, "forward"),
        ("WORK", None, "backward"),
        ("NEW", False, "backward"),
        ("NEW", None, "start"),
        ("DONE", False, "forward"),
        ("PARKED", None, "backward"),
        ("DONE", None, "forward"),
    ]
    moves = (
        "select from_state, to_state, is_allowed from state_transitions "
        "where procedure = 'job' order by all"
    )
    assert rows(path, moves) == [
        ("DONE", "PARKED", None),
        ("NEW", "DONE", False),
        ("NEW", "PARKED", None),
        ("NEW", "WORK", True),
        ("PARKED", "DONE", None),
        ("PARKED", "WORK", None),
        ("WORK", "DONE", True),
        ("WORK", "NEW", False),
        ("WORK", "PARKED", None),
    ]
    quarantined = "select count(*) from quarantine"
    assert rows(path, quarantined) == [(0,)]


def test_a_removed_state_that_the_graph_still_has_decides_its_moves(
    before: Settings, tmp_path: Path
) -> None:
    path = run(copied(before, tmp_path), with_state(2, removed=True), OTHER).path
    query = (
        "select from_state, is_allowed from state_transitions "
        "where procedure = 'job' and to_state = 'PARKED' order by all"
    )
    assert rows(path, query) == [("NEW", False), ("WORK", True)]


def test_a_state_or_procedure_that_versions_hold_cannot_go(
    before: Settings, tmp_path: Path
) -> None:
    settings = copied(before, tmp_path)
    without = changed(states=[*STATES[:2], STATES[3]], stategraph=GRAPH_WITHOUT_PARKED)
    with pytest.raises(DefinitionError) as raised:
        run(settings, without)
    assert [str(problem) for problem in raised.value.problems] == [
        f"{settings.procedures / job.JOB}.json: states: found no state {job.PARKED}, but 2 "
        "versions hold it; allowed: every state that versions hold; a retired state has "
        "`removed: true`",
        f"{settings.procedures}: (folder): found no procedure task ({job.TASK}), but the warehouse "
        "holds versions of it; allowed: a definition for every procedure in the warehouse; if the "
        "definitions are in another folder, name it with `--procedures DIR` or LEADTIME_PROCEDURES",
    ]
    with pytest.raises(DefinitionError, match="no procedure task"):
        run(settings, without)


@pytest.mark.nightly
@pytest.mark.parametrize(
    "changes", [{}, pytest.param({"removed": True}, marks=pytest.mark.nightly)]
)
def test_replay_brings_back_the_versions_of_a_new_state(
    changes: dict[str, Any], tmp_path: Path
) -> None:
    """The tables are then those of a warehouse that had the state from the start."""
    checked = [
        job.line(1, 0.5, job.CHECK, {"size": "S"}),
        job.line(1, 0.5, job.CHECK, {job.SIZE: "S"}),
        job.line(7, 0, job.CHECK, {"size": "M"}),
    ]
    definition = changed(states=[*STATES[:3], CHECK_STATE | changes, STATES[3]], stategraph=None)
    assert_same_after_replay(tmp_path, [DEFINITION, OTHER], [definition, OTHER], checked, (2, 1))


@pytest.mark.nightly
def test_replay_brings_back_the_versions_of_a_new_procedure(tmp_path: Path) -> None:
    assert_same_after_replay(tmp_path, [OTHER], [DEFINITION, OTHER], [], (18, 1))


def assert_same_after_replay(
    folder: Path,
    then: list[Definition],
    now: list[Definition],
    lines: list[str],
    back: tuple[int, int],
) -> None:
    """What was quarantined by one set of definitions is back by the next; so many are accepted."""
    files = [*job.first_lines()], lines, [*job.later_lines()]
    settings = warehouse(folder / "old", *files)
    run(settings, *then)
    job.write_definitions(settings.procedures, *now)
    with open_warehouse(settings, purpose="a test") as con:
        report = replay(con, load_procedures(settings.procedures), started_at=AS_OF)
    assert (report.counts.accepted, report.counts.duplicates) == back
    new = warehouse(folder / "new", *files)
    assert_same(run(settings, *now).path, run(new, *now).path)
