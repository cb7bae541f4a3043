"""Funnels of all kinds over random histories equal the plain-Python reference, as does the macro."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from schemas.definitions.procedure import Procedures
from tests.reference import funnels
from tests.reference.versions import Version, drop_duplicates
from tests.support.jobs import HOUR, START, jobs, version
from tests.support.warehouse import MemoryWarehouse, differences
from transforms.macros.load import PUBLISHED_MACROS

TASK = "10000000-0000-4000-8000-000000000001"
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
        "breakdowns": ["colour"],
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
    """Histories with ties, reopenings, deletions, closings that are dated back, and some moves
    between procedures.
    """
    versions: list[Version] = []
    for number in range(n_processes):
        process_id = f"00000000-0000-4000-8000-{number:012}"
        hour = 0.0
        few = random.sample(STATES, random.randint(2, 5))
        moves = random.random() < 0.2
        for line in range(random.randint(1, 9)):
            status = random.choice(("OPEN", "OPEN", "OPEN", "COMPLETED", "CANCELLED"))
            at = START + round(random.choice((hour, hour - 1, 0)) * HOUR)
            closed = {"completed_at": at} if status == "COMPLETED" else {"cancelled_at": at}
            versions.append(
                version(
                    process_id,
                    hour,
                    state=random.choice(few),
                    procedure=random.choice(("job", "task")) if moves else "job",
                    status=status,
                    is_deleted=random.random() < 0.12,
                    data=random.choice(({}, {"colour": "x"}, {"colour": "y"})),
                    ingest_seq=(1, number * 100 + line),
                    **closed,
                )
            )
            hour += random.choice((0, 0.5, 1, 2, 3, 10))
    return drop_duplicates(versions)


def procedures_with(found: list[dict[str, Any]]) -> Procedures:
    """Two procedures with the same states in another order, each with a part of the funnels."""
    states = [
        {"id": f"30000000-0000-4000-8000-{n:012}", "shortId": name, "kind": "work"}
        for n, name in enumerate(STATES)
    ]
    of_job, of_task = parts(found)
    job = jobs(states=states, funnels=of_job)
    task = jobs(id=TASK, shortId="task", states=states[::-1], funnels=of_task)
    return Procedures((*job, *task), {})


def parts(found: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The funnels of the one procedure and of the other, which most processes never enter."""
    return [f for n, f in enumerate(found) if n % 4], found[::4]


def reference_procedures(found: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    states = [{"short_id": name, "name": name, "kind": "work"} for name in STATES]
    return {
        name: {
            "states": states if name == "job" else states[::-1],
            "stategraph": None,
            "attributes": [],
            "funnels": [for_reference(funnel) for funnel in mine],
        }
        for name, mine in zip(("job", "task"), parts(found), strict=True)
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
            "funnel_breakdowns",
            funnels.breakdowns_at_entry(versions, known, as_of=AS_OF, attribute="colour"),
        ),
        (
            "funnel_cohorts",
            funnels.funnel_cohorts(versions, known, as_of=AS_OF, time_zone="Europe/Berlin"),
        ),
    ):
        found = warehouse.rows(f"from {name}")
        assert differences(found, expected, columns=expected[0])[:5] == [], name
    reasons = warehouse.rows("select distinct stop_reason from funnel_progress")
    assert {row["stop_reason"] for row in reasons} == {
        None, "finished", "excluded", "strayed", "moved_out", "completed", "cancelled", "deleted",
        "open", "out_of_time",
    }  # fmt: skip


def test_the_macro_equals_the_tables_and_the_reference() -> None:
    random = Random(99)
    versions = random_versions(random, 150)
    asked = [
        ([random.choice(STATES) for _ in range(random.randint(1, 5))], within)
        for within in (None, "5h")
        for _ in range(8)
    ]
    defined = [
        {
            "name": f"f{number}",
            "steps": [{"name": state, "states": [state]} for state in steps],
            **({"within": within} if within else {}),
        }
        for number, (steps, within) in enumerate(asked)
    ]
    warehouse = MemoryWarehouse(procedures_with(defined))
    warehouse.add(versions)
    warehouse.build(AS_OF, whole=True)
    restores = warehouse.rows("select 1 from state_visits where direction = 'same'")
    assert len(restores) > 5
    # In a published database these are tables.
    for name in ("state_visits", "states", "processes", "build"):
        warehouse.con.execute(f"create table main.{name} as from {name}")
        warehouse.con.execute(f"drop view if exists temp.{name}")
    warehouse.con.execute(PUBLISHED_MACROS)
    known = reference_procedures([])
    for number, (steps, within) in enumerate(asked):
        cased = [random.choice((state, state.lower(), state.title())) for state in steps]
        procedure = "job" if number % 4 else "task"
        window = "null" if within is None else f"interval {HOURS[within]} hours"
        for mode in funnels.MODES:
            found = warehouse.rows(
                f"from funnel({cased}, procedure := '{procedure}', within := {window}, "
                f"mode := '{mode}')"
            )
            in_tables = warehouse.rows(
                f"from funnel_steps where funnel = 'f{number}' and mode = '{mode}'"
            )
            expected = funnels.funnel(
                versions,
                known,
                as_of=AS_OF,
                steps=steps,
                procedure=procedure,
                within_ms=None if within is None else HOURS[within] * HOUR,
                mode=mode,
            )
            columns = list(expected[0])
            assert differences(found, expected, columns=columns)[:5] == [], (steps, mode)
            assert differences(found, in_tables, columns=columns)[:5] == [], (steps, mode)
