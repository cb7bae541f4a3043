"""Named durations: by literal histories, and of any events as in the reference."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from schemas.definitions.duration import NamedDuration
from schemas.definitions.procedure import Procedures
from schemas.load import load_procedures
from tests.reference.named_durations import process_durations
from tests.reference.versions import Version
from tests.support.sla_rows import built, history, jobs_with, since_start
from tests.support.strategies import PROCEDURES, TIME_ZONE, as_ofs, version_lists
from tests.support.warehouse import MemoryWarehouse, differences

_PRODUCT = load_procedures(Path(__file__).parents[3] / "schemas" / "procedures")
DAY = 86400
# START is a Tuesday, 22:13:20 UTC.
OFFICE = {
    "name": "office",
    "timezone": "UTC",
    "weekly": {day: ["09:00-17:00"] for day in ("monday", "tuesday", "wednesday", "thursday")},
}
ASKED = {"from": "state: ASKING", "to": "left: ASKING"}
HISTORIES = (
    # Asks twice, and then a third time until now.
    history(
        1,
        (0, {}),
        (10, {"state": "ASKING"}),
        (30, {"state": "WORK"}),
        (40, {"state": "ASKING"}),
        (90, {"state": "WORK"}),
        (100, {"state": "ASKING"}),
    ),
    # Is completed while asking, and cancelled before it asks.
    history(2, (0, {}), (5, {"state": "ASKING"}), (25, {"status": "COMPLETED"})),
    history(3, (0, {}), (50, {"status": "CANCELLED"})),
    history(4, (0, {}), (60, {"state": "ASKING"}), (70, {"is_deleted": True})),
)


@pytest.mark.parametrize(
    ("occurrence", "expected"),
    [
        ("first", [(1, 1, 10, 30, "stop", 20), (2, 1, 5, 25, "completed", 20)]),
        ("last", [(1, 3, 100, None, None, 900), (2, 1, 5, 25, "completed", 20)]),
        (
            "each",
            [
                (1, 1, 10, 30, "stop", 20),
                (1, 2, 40, 90, "stop", 50),
                (1, 3, 100, None, None, 900),
                (2, 1, 5, 25, "completed", 20),
            ],
        ),
    ],
)
def test_which_count_where_a_process_has_several(occurrence: str, expected: list[Any]) -> None:
    definition = {"name": "asked", **ASKED, "occurrence": occurrence}
    warehouse = built(jobs_with(durations=[definition]), *HISTORIES, as_of=1000)
    rows = warehouse.rows("from process_durations order by process_id, occurrence_no")
    names = ("occurrence_no", "started_at", "ended_at", "ended_by", "seconds")
    found = [
        (int(row["process_id"][-1]), *(since_start(row[name]) for name in names)) for row in rows
    ]
    assert found == [*expected, (4, 1, 60, 70, "deleted", 10)]
    assert {row["measure"] for row in rows} == {"asked"}


def test_they_are_measures_of_finished_intervals_beside_those_that_all_have() -> None:
    definition = {"name": "asked", **ASKED, "occurrence": "each"}
    warehouse = built(jobs_with(durations=[definition]), *HISTORIES, as_of=1000)
    rows = warehouse.rows(
        "select measure, n, mean_seconds from duration_stats where period is null order by measure"
    )
    assert {row["measure"]: (row["n"], row["mean_seconds"]) for row in rows} == {
        "asked": (2, 35.0),
        "business_asked": (2, 35.0),
        "resolution": (1, 25.0),
        "business_resolution": (1, 25.0),
        "full_resolution": (1, 25.0),
        "business_full_resolution": (1, 25.0),
        "open": (2, 37.5),
        "business_open": (2, 37.5),
    }


def test_working_time_is_that_of_the_calendar_at_the_start() -> None:
    definition = {"name": "pickup", "from": "created", "to": "left: NEW"}
    procedures = jobs_with(durations=[definition], calendars=[OFFICE], calendar="office")
    moved = history(1, (0, {}), (DAY, {"state": "WORK"}))
    waiting = history(2, (0, {}))
    warehouse = built(procedures, moved, waiting, as_of=2 * DAY)
    rows = warehouse.rows("from process_durations order by process_id")
    # From Tuesday evening, Wednesday is 8 hours, and Thursday too.
    assert [(row["seconds"], row["business_seconds"], row["calendar"]) for row in rows] == [
        (DAY, 8 * 3600, "office"),
        (2 * DAY, 16 * 3600, "office"),
    ]


def test_durations_leave_the_clocks_of_policies_as_they_are() -> None:
    policy = {"name": "asked", "start": ASKED["from"], "stop": ASKED["to"], "target": "1h"}
    definition = {"name": "asked", **ASKED, "occurrence": "each"}
    with_both = built(jobs_with(policy, durations=[definition]), *HISTORIES, as_of=1000)
    with_policy = built(jobs_with(policy), *HISTORIES, as_of=1000)
    for table in ("sla_clocks", "sla_segments", "sla_attainment"):
        query = f"from {table} order by all"
        assert with_both.rows(query) == with_policy.rows(query)
    assert len(with_both.rows("from sla_clocks")) == 5
    (row,) = with_both.rows("from named_durations")
    assert row == {
        "procedure": "job",
        "measure": "asked",
        "starts": "state: ASKING",
        "stops": "left: ASKING",
        "occurrence": "each",
    }


@st.composite
def durations(draw: st.DrawFn, procedure: str) -> list[dict[str, Any]]:
    """Durations as the reference takes them, with any events that do not start and end at once."""
    states = [state["short_id"] for state in PROCEDURES[procedure]["states"]]
    events = [(kind, None) for kind in ("created", "first_assigned", "completed", "closed")]
    events += [(kind, state) for kind in ("state", "left") for state in states]
    made: list[dict[str, Any]] = []
    for number in range(6):
        chosen = draw(st.lists(st.sampled_from(events), min_size=2, max_size=4, unique=True))
        cut = draw(st.integers(1, len(chosen) - 1))
        made.append(
            {
                "name": f"duration {number}",
                "start": chosen[:cut],
                "stop": chosen[cut:],
                "occurrence": draw(st.sampled_from(("first", "last", "each"))),
            }
        )
    return made


def defined(made: dict[str, list[dict[str, Any]]]) -> Procedures:
    def written(events: list[tuple[str, str | None]]) -> list[str]:
        return [kind if state is None else f"{kind}: {state}" for kind, state in events]

    def named(part: dict[str, Any]) -> NamedDuration:
        events = {"from": written(part["start"]), "to": written(part["stop"])}
        kept = {key: part[key] for key in ("name", "occurrence")}
        return NamedDuration.model_validate(kept | events)

    return Procedures(
        tuple(
            procedure.model_copy(update={"durations": tuple(map(named, made[procedure.short_id]))})
            for procedure in _PRODUCT
        ),
        _PRODUCT.sources,
        _PRODUCT.calendars,
    )


@given(
    lead=durations("lead"),
    ticket=durations("ticket"),
    versions=version_lists(max_processes=20, max_versions=8, with_procedure_changes=True),
    as_of=as_ofs(),
)
@settings(
    max_examples=3,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)
def test_durations_equal_reference(
    lead: list[dict[str, Any]],
    ticket: list[dict[str, Any]],
    versions: list[Version],
    as_of: int,
) -> None:
    made = {"lead": lead, "ticket": ticket}
    known = {name: known | {"durations": made[name]} for name, known in PROCEDURES.items()}
    warehouse = MemoryWarehouse(defined(made))
    warehouse.add(versions)
    warehouse.build(as_of, time_zone=TIME_ZONE)
    expected = process_durations(versions, known, as_of=as_of, time_zone=TIME_ZONE)
    found = warehouse.rows("from process_durations")
    assert differences(found, expected, columns=expected[0] if expected else None) == []
