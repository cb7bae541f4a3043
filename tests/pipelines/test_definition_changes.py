"""Changed definitions: the tables of a warehouse that saw the change are those of a new one."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from pipelines.settings import Settings
from tests.support import changing_job as job
from tests.support.changing_job import (
    ATTRIBUTES,
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
    assert_same,
    copied,
    land,
    run,
    warehouse,
)

HISTORY = (
    "assignments",
    "attribute_spells",
    "calls",
    "first_versions",
    "follow_ups",
    "funnel_occurrences",
    "funnel_paths",
    "job_attributes",
    "open_stays",
    "pod_stays",
    "process_contacts",
    "procedure_changes",
    "process_calendars",
    "process_lifecycle",
    "processes",
    "sla_cycles",
    "state_visits",
    "status_spells",
    "task_attributes",
    "tasks",
    "version_flags",
    "worked_assignments",
    "worked_contacts",
    "worked_instants",
    "worked_lifecycle",
    "worked_visits",
)
# Nothing in a definition is read by these.
OF_NO_DEFINITION = ("calls", "tasks")
# A table is made anew for its SQL, which is generated from the definitions.
WHOLE: tuple[str, int] = ("full", 5)
VALUES = {"job_attributes": WHOLE}
TRACKED_VALUES = {**VALUES, "attribute_spells": WHOLE}
WORKING_TIME = dict.fromkeys(
    (
        "process_calendars",
        "worked_assignments",
        "worked_contacts",
        "worked_instants",
        "worked_lifecycle",
        "worked_visits",
    ),
    WHOLE,
)


def touched(processes: int, **others: tuple[str, int]) -> dict[str, tuple[str, int]]:
    """All tables redone for so many processes, but for `others`."""
    return {**dict.fromkeys(HISTORY, ("incremental", processes)), **others}


def redefined(processes: int, **others: tuple[str, int]) -> dict[str, tuple[str, int]]:
    """As `touched`, without any version validated again."""
    found = touched(processes, **others)
    return {name: how for name, how in found.items() if name not in OF_NO_DEFINITION}


COLOUR = job.attribute(job.COLOUR, "colour", "text", track=True)
GAIN = job.attribute(job.GAIN, "gain", "integer")
GRAPH = DEFINITION["stategraph"]
CHANGES: dict[str, tuple[Definition, Mapping[str, tuple[str, int]]]] = {
    # Two processes have the value; only now its two keys are known to be one.
    "an attribute is added": (
        changed(attributes=[*ATTRIBUTES, COLOUR]),
        touched(2, **TRACKED_VALUES),
    ),
    "an attribute is removed": (
        changed(attributes=[*ATTRIBUTES[:2], ATTRIBUTES[3]]),
        touched(3, **TRACKED_VALUES),
    ),
    "an attribute is renamed": (
        with_attribute(2, shortId="points", aliases=["score"]),
        touched(1, **TRACKED_VALUES),
    ),
    "an attribute gets another type": (with_attribute(2, type="string"), TRACKED_VALUES),
    "options are added": (with_attribute(1, options=["S", "L", "XL"]), TRACKED_VALUES),
    "a value is required and personal": (with_attribute(3, required=True, personal=True), {}),
    "attributes are in another order": (
        changed(attributes=ATTRIBUTES[::-1]),
        touched(3, **TRACKED_VALUES),
    ),
    "a derived attribute is added, and the time zone is another": (
        changed(derivedAttributes=[*DEFINITION["derivedAttributes"], GAIN], timezone="Asia/Tokyo"),
        VALUES,
    ),
    "a state is added in between": (
        changed(
            states=[STATES[0], CHECK_STATE, *STATES[1:]],
            stategraph={**GRAPH, job.NEW: [job.WORK, job.CHECK]},
        ),
        redefined(4),
    ),
    "a state has another shortId and kind": (
        with_state(1, shortId="DOING", name="In hand", kind="waiting_customer"),
        redefined(4),
    ),
    "a state is removed": (
        with_state(2, removed=True) | {"stategraph": GRAPH_WITHOUT_PARKED},
        redefined(4),
    ),
    "the graph allows more": (
        changed(stategraph={**GRAPH, job.NEW: [job.WORK, job.PARKED]}),
        dict.fromkeys(
            (
                "funnel_occurrences",
                "funnel_paths",
                "process_lifecycle",
                "sla_cycles",
                "state_visits",
                "worked_lifecycle",
                "worked_visits",
            ),
            ("incremental", 4),
        ),
    ),
    "names, funnels and the primary key are others": (
        changed(
            name="Job",
            primaryKey="size",
            funnels=[
                {"name": "all", "steps": [job.NEW, [job.WORK, job.PARKED]]},
                {"name": "short", "steps": [job.NEW, job.DONE]},
            ],
        ),
        dict.fromkeys(("funnel_occurrences", "funnel_paths"), ("incremental", 5)),
    ),
    "the procedure has another shortId": (
        changed(shortId="errand"),
        {
            name.replace("job_", "errand_"): how
            for name, how in redefined(
                4, **TRACKED_VALUES, **WORKING_TIME, sla_cycles=WHOLE
            ).items()
        },
    ),
}


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A warehouse that has taken in the first lines by the first definition."""
    settings = warehouse(tmp_path_factory.mktemp("before"), job.first_lines())
    run(settings, DEFINITION, OTHER)
    return settings


# What kinds of change redo is tested with each run of the tests, the rest by night.
_EACH_TIME = {
    "names, funnels and the primary key are others",
}


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(change, marks=[] if change in _EACH_TIME else pytest.mark.nightly)
        for change in CHANGES
    ],
)
def test_a_changed_definition_gives_the_tables_of_a_new_warehouse(
    change: str, before: Settings, tmp_path: Path
) -> None:
    definition, redone = CHANGES[change]
    after = run(copied(before, tmp_path / "old"), definition, OTHER)
    new = warehouse(tmp_path / "new", job.first_lines())
    assert_same(after.path, run(new, definition, OTHER).path)
    assert after.redone == redone


@pytest.mark.nightly
def test_definitions_that_change_again_and_again_leave_no_trace(tmp_path: Path) -> None:
    """Several definitions in turn, forth and back, and then more versions."""
    settings = warehouse(tmp_path / "old", job.first_lines())
    definitions = [definition for definition, _ in CHANGES.values()][::4]
    for definition in (DEFINITION, *definitions, definitions[0]):
        run(settings, definition, OTHER)
    land(settings, job.later_lines())
    found = run(settings, definitions[0], OTHER)
    assert found.report.revalidated == {}
    new = warehouse(tmp_path / "new", job.first_lines(), job.later_lines())
    assert_same(found.path, run(new, definitions[0], OTHER).path)
    assert run(settings, definitions[0], OTHER).redone == {}
    full = run(settings, definitions[0], OTHER, full=True)
    assert_same(full.path, found.path)
