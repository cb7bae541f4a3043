"""Clocks of any SLA policies over any histories equal the plain-Python reference, row for row."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from schemas.definitions.procedure import Procedures
from schemas.definitions.sla import Sla
from schemas.load import load_procedures
from tests.reference.definitions import sla_target
from tests.reference.sla import sla_clocks, sla_segments
from tests.reference.sla_due import sla_due
from tests.reference.sla_sums import sla_attainment
from tests.reference.versions import Row, Version
from tests.support.strategies import (
    PROCEDURES,
    TIME_ZONE,
    as_ofs,
    call_lists,
    task_lists,
    version_lists,
)
from tests.support.warehouse import MemoryWarehouse, differences

_PRODUCT = load_procedures(Path(__file__).parents[3] / "schemas" / "procedures")
_FEW = settings(
    max_examples=4,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)
_KINDS = ("queue", "work", "waiting_customer", "waiting_other", "done")
_TARGETS = ("1s", "5h", "23h", "30h", "2d", "40d")
_CALENDARS = (None, None, "always", "berlin_office", "night_support")
_BY: dict[str, dict[str, Any]] = {
    "lead": {"by": "plan", "values": {"Starter": "5h", "Team": "2d"}},
    "ticket": {"by": "priority", "values": {1: "1s", 2: "30h"}, "otherwise": "40d"},
}


@st.composite
def policies(draw: st.DrawFn, procedure: str, count: int) -> list[dict[str, Any]]:
    """Policies as the reference takes them, with any events that do not start and stop at once."""
    states = [state["short_id"] for state in PROCEDURES[procedure]["states"]]
    plain = ("created", "first_assigned", "completed", "closed")
    of_activities = ("first_call", "connected_call", "task_completed")
    events = [(kind, None) for kind in (*plain, *of_activities)]
    events += [(kind, state) for kind in ("state", "left") for state in states]
    made: list[dict[str, Any]] = []
    for number in range(count):
        chosen = draw(st.lists(st.sampled_from(events), min_size=2, max_size=5, unique=True))
        cut = draw(st.integers(1, len(chosen) - 1))
        start, stop = chosen[:cut], chosen[cut:]
        target = draw(st.sampled_from((*_TARGETS, _BY[procedure])))
        made.append(
            {
                "name": f"policy {number}",
                "start": start,
                "stop": stop,
                "pause": draw(
                    st.lists(st.sampled_from((*states, *_KINDS)), max_size=3, unique=True)
                ),
                "target": target,
                "calendar": draw(st.sampled_from(_CALENDARS)),
                "warn_percent": draw(st.sampled_from((None, 1, 33, 80, 99))),
                "repeat": can_repeat(stop) and draw(st.booleans()),
            }
        )
    return made


def can_repeat(stop: Sequence[tuple[str, str | None]]) -> bool:
    """Whether a policy with these stops may be repeated."""
    kinds = {kind for kind, _ in stop}
    return not kinds & {"first_assigned", "first_call"} and bool(kinds - {"completed", "closed"})


def defined(made: dict[str, list[dict[str, Any]]]) -> Procedures:
    return Procedures(
        tuple(
            procedure.model_copy(
                update={"slas": tuple(Sla.model_validate(_written(p)) for p in made[name])}
            )
            for procedure in _PRODUCT
            for name in [procedure.short_id]
        ),
        _PRODUCT.sources,
        _PRODUCT.calendars,
    )


def _written(policy: dict[str, Any]) -> dict[str, Any]:
    events = {
        key: [kind if state is None else f"{kind}: {state}" for kind, state in policy[key]]
        for key in ("start", "stop")
    }
    written = {key: value for key, value in policy.items() if key != "warn_percent"}
    return written | events | {"warn": policy["warn_percent"]}


def _for_reference(policy: dict[str, Any]) -> dict[str, Any]:
    target = policy["target"]
    if isinstance(target, str):
        return policy | {"target": sla_target(target)}
    by = target["by"]
    durations = {str(value): sla_target(text) for value, text in target["values"].items()}
    otherwise = sla_target(target["otherwise"]) if "otherwise" in target else None
    return policy | {"reads": [by], "target": lambda values: durations.get(values[by], otherwise)}


def assert_equal(warehouse: MemoryWarehouse, table: str, rows: list[Row]) -> None:
    found = warehouse.rows(f"from {table}")
    assert differences(found, rows, columns=rows[0] if rows else None) == [], table


@given(
    lead=policies("lead", 8),
    ticket=policies("ticket", 8),
    versions=version_lists(max_processes=20, max_versions=8),
    activities=st.tuples(
        task_lists(max_tasks=30, max_processes=20), call_lists(max_calls=40, max_processes=20)
    ),
    as_of=as_ofs(),
)
@_FEW
def test_clocks_equal_reference(
    lead: list[dict[str, Any]],
    ticket: list[dict[str, Any]],
    versions: list[Version],
    activities: tuple[list[dict[str, Any]], list[dict[str, Any]]],
    as_of: int,
) -> None:
    made = {"lead": lead, "ticket": ticket}
    known = {
        name: procedure | {"slas": [_for_reference(policy) for policy in made[name]]}
        for name, procedure in PROCEDURES.items()
    }
    warehouse = MemoryWarehouse(defined(made))
    warehouse.add(versions)
    for dimension, documents in zip(("tasks", "calls"), activities, strict=True):
        warehouse.add_activities(dimension, documents)
    warehouse.build(as_of, time_zone=TIME_ZONE)
    given_: dict[str, Any] = {"as_of": as_of, "activities": activities}
    assert_equal(warehouse, "sla_clocks", sla_clocks(versions, known, **given_))
    assert_equal(warehouse, "sla_segments", sla_segments(versions, known, **given_))
    assert_equal(warehouse, "sla_due", sla_due(versions, known, **given_))
    attained = sla_attainment(versions, known, time_zone=TIME_ZONE, **given_)
    assert_equal(warehouse, "sla_attainment", attained)
