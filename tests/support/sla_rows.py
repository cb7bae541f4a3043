"""A procedure with SLA policies, and a shorthand for histories, for the tests of clocks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from schemas.definitions.procedure import Procedures
from schemas.loading.calendars import check_calendar
from schemas.loading.check_procedure import check_procedure
from tests.reference.versions import Row, Version
from tests.support.jobs import JOB, START, version
from tests.support.warehouse import MemoryWarehouse

_STATES = {
    "NEW": "queue",
    "WORK": "work",
    "ASKING": "waiting_customer",
    "VENDOR": "waiting_other",
    "DONE": "done",
}
STATES = [
    {"id": f"30000000-0000-4000-8000-00000000000{n}", "shortId": name, "kind": kind}
    for n, (name, kind) in enumerate(_STATES.items())
]
OPTIONS = {"id": "20000000-0000-4000-8000-000000000009", "shortId": "priority"}
ATTRIBUTES = [*JOB["attributes"], {**OPTIONS, "type": "integerEnum", "options": [1, 2, 3]}]
ANN, BOB = ("50000000-0000-4000-8000-00000000000" + digit for digit in "12")


def jobs_with(
    *slas: dict[str, Any], calendars: Sequence[dict[str, Any]] = (), **changes: Any
) -> Procedures:
    """The procedure `job` with these policies, and calendars as they are written in files."""
    document = JOB | {"states": STATES, "attributes": ATTRIBUTES, "slas": list(slas)} | changes
    known = {c["name"]: check_calendar(c, file="calendar.yaml") for c in calendars}
    return Procedures((check_procedure(document, file="job.yaml"),), {"job": "job.yaml"}, known)


def policy(name: str, start: Any, stop: Any, target: Any = "100s", **more: Any) -> dict[str, Any]:
    return {"name": name, "start": start, "stop": stop, "target": target, **more}


def history(number: int, *steps: tuple[float, dict[str, Any]]) -> list[Version]:
    """The versions of the process with a number: seconds since creation, and the changed fields."""
    versions: list[Version] = []
    known: dict[str, Any] = {}
    process_id = f"60000000-0000-4000-8000-{number:012}"
    for line, (at, changes) in enumerate(steps, start=1):
        known |= changes
        shown = version(process_id, ingest_seq=(1, number * 100 + line), **known)
        versions.append(shown | {"updated_at": START + round(at * 1000)})
    return versions


def built(
    procedures: Procedures, *histories: list[Version], as_of: float, time_zone: str = "UTC"
) -> MemoryWarehouse:
    """A warehouse with these histories as at `as_of` seconds after the start."""
    warehouse = MemoryWarehouse(procedures)
    warehouse.add([version for versions in histories for version in versions])
    warehouse.build(START + round(as_of * 1000), time_zone=time_zone)
    return warehouse


def since_start(value: Any) -> Any:
    """An instant (epoch ms) in seconds after the start; everything else as it is."""
    return (value - START) / 1000 if isinstance(value, int) and value > 10**11 else value


def clocks_of(warehouse: MemoryWarehouse, number: int, name: str, *columns: str) -> list[Any]:
    """Columns of the clocks of one process and policy, in order; instants in seconds."""
    rows = warehouse.rows(
        f"select * from sla_clocks where policy = '{name}' and process_id = "
        f"'60000000-0000-4000-8000-{number:012}' order by cycle"
    )
    return [tuple(since_start(row[column]) for column in columns) for row in rows]


def segments_of(warehouse: MemoryWarehouse, number: int, name: str) -> list[Any]:
    """`segment_no`, start, end and elapsed seconds of the stretches, by cycle and order."""
    rows: list[Row] = warehouse.rows(
        f"select * from sla_segments where policy = '{name}' and process_id = "
        f"'60000000-0000-4000-8000-{number:012}' order by cycle, segment_no"
    )
    names = ("segment_no", "started_at", "ended_at", "elapsed_seconds")
    return [tuple(since_start(row[name]) for name in names) for row in rows]
