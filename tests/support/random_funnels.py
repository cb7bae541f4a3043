"""Random funnels, and random histories of two procedures with the same states."""

from __future__ import annotations

from random import Random
from typing import Any

from schemas.definitions.procedure import Procedures
from tests.reference.versions import Version, drop_duplicates
from tests.support.jobs import HOUR, START, jobs, version
from tests.support.warehouse import MemoryWarehouse
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


def procedures_with(found: list[dict[str, Any]], **changes: Any) -> Procedures:
    """Two procedures with the same states in another order, each with a part of the funnels."""
    states = [
        {"id": f"30000000-0000-4000-8000-{n:012}", "shortId": name, "kind": "work"}
        for n, name in enumerate(STATES)
    ]
    of_job, of_task = parts(found)
    job = jobs(states=states, funnels=of_job, **changes)
    more = {"funnels": of_task, **changes}
    task = jobs(id=TASK, shortId="task", states=states[::-1], **more)
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


_READ_BY_MACROS = (
    "assignments",
    "attribute_changes",
    "attribute_spells",
    "build",
    "flow_daily",
    "indicators",
    "named_durations",
    "observation_starts",
    "open_stays",
    "process_durations",
    "process_lifecycle",
    "process_outcomes",
    "processes",
    "state_visits",
    "states",
    "status_spells",
)


def as_published(warehouse: MemoryWarehouse, *tables: str) -> None:
    """Make the macros of a published database, and tables of the views they read, and of these."""
    for name in dict.fromkeys((*_READ_BY_MACROS, *tables)):
        warehouse.executed(f"from {name}")
        warehouse.con.execute(f"create table main.{name} as from {name}")
        warehouse.con.execute(f"drop view if exists temp.{name}")
    columns = "select table_name, column_name, data_type from duckdb_columns() where not internal"
    warehouse.con.execute(f"create table main.metric_catalog as {columns}")
    warehouse.con.execute(PUBLISHED_MACROS)
