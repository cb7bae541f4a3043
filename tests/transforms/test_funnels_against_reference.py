"""Funnels of all kinds over random histories equal the plain-Python reference, as does the macro."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from schemas.definitions import Procedures
from tests.reference import funnels
from tests.reference.versions import Version, drop_duplicates
from tests.transforms.jobs import HOUR, START, jobs, version
from tests.warehouse import MemoryWarehouse, differences
from transforms.tables import PUBLISHED_MACROS

STATES = ["NEW", "ASK", "WORK", "TEST", "DONE", "LOST"]
AS_OF = START + 60 * HOUR
HOURS = {"2h": 2, "5h": 5, "12h": 12}


def random_funnel(random: Random, name: str) -> dict[str, Any]:
    """A funnel with some of everything."""
    steps: list[dict[str, Any]] = []
    n_steps = random.randint(1, 5)
    excluded = random.sample(STATES, random.choice((0, 0, 1)))
    for place in range(n_steps):
        step: dict[str, Any] = {"name": f"s{place}"}
        if random.random() < 0.2:
            step["outcome"] = random.choice(("completed", "cancelled"))
        else:
            allowed = [state for state in STATES if state not in excluded]
            chosen = random.sample(allowed, random.choice((1, 1, 2)))
            step["states"] = sorted(chosen, key=STATES.index)
        if 0 < place < n_steps - 1 and random.random() < 0.3:
            step["optional"] = True
        if place and random.random() < 0.2:
            step["within"] = random.choice(list(HOURS))
        if place and random.random() < 0.2:
            step["minGap"] = "2h"
        steps.append(step)
    return {
        "name": name,
        "steps": steps,
        "exclude": excluded,
        "entry": random.choice(("first", "best")),
        **({"within": random.choice(list(HOURS))} if random.random() < 0.4 else {}),
    }


def for_reference(funnel: dict[str, Any]) -> dict[str, Any]:
    def milliseconds(text: str | None) -> int | None:
        return None if text is None else HOURS[text] * HOUR

    steps = [
        {
            **step,
            "within_ms": milliseconds(step.get("within")),
            "gap_ms": milliseconds(step.get("minGap")),
        }
        for step in funnel["steps"]
    ]
    return {**funnel, "steps": steps, "within_ms": milliseconds(funnel.get("within"))}


def random_versions(random: Random, n_processes: int) -> list[Version]:
    """Histories with ties, reopenings, deletions and closings that are dated back."""
    versions: list[Version] = []
    for number in range(n_processes):
        process_id = f"00000000-0000-4000-8000-{number:012}"
        hour = 0.0
        few = random.sample(STATES, random.randint(2, 5))
        for line in range(random.randint(1, 9)):
            status = random.choice(("OPEN", "OPEN", "OPEN", "COMPLETED", "CANCELLED"))
            at = START + round(random.choice((hour, hour - 1, 0)) * HOUR)
            closed = {"completed_at": at} if status == "COMPLETED" else {"cancelled_at": at}
            versions.append(
                version(
                    process_id,
                    hour,
                    state=random.choice(few),
                    status=status,
                    is_deleted=random.random() < 0.07,
                    ingest_seq=(1, number * 100 + line),
                    **closed,
                )
            )
            hour += random.choice((0, 0.5, 1, 2, 3, 10))
    return drop_duplicates(versions)


def procedures_with(found: list[dict[str, Any]]) -> Procedures:
    states = [
        {"id": f"30000000-0000-4000-8000-{n:012}", "shortId": name, "kind": "work"}
        for n, name in enumerate(STATES)
    ]
    return jobs(states=states, funnels=found)


def reference_procedures(found: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    states = [{"short_id": name, "name": name, "kind": "work"} for name in STATES]
    return {
        "job": {
            "states": states,
            "stategraph": None,
            "attributes": [],
            "funnels": [for_reference(funnel) for funnel in found],
        }
    }


@pytest.mark.parametrize("seed", range(3))
def test_marts_equal_the_reference(seed: int) -> None:
    random = Random(seed)
    definitions = [random_funnel(random, f"f{n}") for n in range(30)]
    versions = random_versions(random, 80)
    warehouse = MemoryWarehouse(procedures_with(definitions))
    warehouse.add(versions)
    warehouse.build(AS_OF, time_zone="Europe/Berlin")
    known = reference_procedures(definitions)
    for name, expected in (
        ("funnel_progress", funnels.funnel_progress(versions, known, as_of=AS_OF)),
        ("funnel_steps", funnels.funnel_steps(versions, known, as_of=AS_OF)),
        (
            "funnel_cohorts",
            funnels.funnel_cohorts(versions, known, as_of=AS_OF, time_zone="Europe/Berlin"),
        ),
    ):
        found = warehouse.rows(f"from {name}")
        assert differences(found, expected, columns=expected[0])[:5] == [], name
    reasons = warehouse.rows("select distinct stop_reason from funnel_progress")
    assert {row["stop_reason"] for row in reasons} == {
        None, "finished", "excluded", "strayed", "completed", "cancelled", "deleted", "open",
        "out_of_time",
    }  # fmt: skip


def test_the_macro_equals_the_reference() -> None:
    random = Random(99)
    versions = random_versions(random, 150)
    warehouse = MemoryWarehouse(procedures_with([]))
    warehouse.add(versions)
    warehouse.build(AS_OF)
    # In a published database these are tables.
    for name in ("state_visits", "states", "processes", "build"):
        warehouse.con.execute(f"create table main.{name} as from {name}")
        warehouse.con.execute(f"drop view if exists temp.{name}")
    warehouse.con.execute(PUBLISHED_MACROS)
    known = reference_procedures([])
    for _ in range(12):
        steps = [random.choice(STATES) for _ in range(random.randint(1, 5))]
        for mode in funnels.MODES:
            if mode == "reached" and len(set(steps)) < len(steps):
                continue
            for within, hours in (("null", None), ("interval 5 hours", 5)):
                found = warehouse.rows(
                    f"from funnel({steps}, within := {within}, mode := '{mode}')"
                )
                expected = funnels.funnel(
                    versions,
                    known,
                    as_of=AS_OF,
                    steps=steps,
                    within_ms=hours and hours * HOUR,
                    mode=mode,
                )
                assert differences(found, expected, columns=expected[0])[:5] == [], (steps, mode)
