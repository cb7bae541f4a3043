"""A week of four jobs, for tests of what is open, what flows and what people do.

Times are hours since `MONDAY`, which is midnight in UTC. What must come out belongs to the tests.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, settings

from schemas.definitions.calendar import CalendarChoice
from schemas.definitions.procedure import Procedures
from schemas.load import load_procedures
from tests.reference.versions import Row, Version
from tests.support.jobs import HOUR, A, B, C, D, jobs, version
from tests.support.warehouse import MemoryWarehouse

MONDAY = 1_700_438_400_000  # 2023-11-20 00:00 UTC
ANN, BOB, POD = (f"50000000-0000-4000-8000-00000000000{n}" for n in range(3))
WHO = {ANN: "ann", BOB: "bob", POD: "pod", A: "A", B: "B", C: "C", D: "D"}
AS_OF = 84  # Thursday noon


# Builds are few, of many processes each.
FEW = settings(
    max_examples=3,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)


def bare_procedures() -> Procedures:
    """Leads and tickets with their states alone, which build fast."""
    return _without("attributes", *_READING_ATTRIBUTES)


def with_attributes_only() -> Procedures:
    """Leads and tickets with their states and attributes alone."""
    return _without(*_READING_ATTRIBUTES)


_READING_ATTRIBUTES = (
    "derived_attributes",
    "record_attributes",
    "funnels",
    "slas",
    "durations",
    "compare_by",
)


def _without(*fields: str) -> Procedures:
    folder = Path(__file__).parents[2] / "schemas" / "procedures"
    known = load_procedures(folder)
    nothing: dict[str, Any] = dict.fromkeys(("primary_key", "primary_identifier", "link"))
    nothing["calendar"] = CalendarChoice()
    nothing |= dict.fromkeys(fields, ())
    bare = tuple(procedure.model_copy(update=nothing) for procedure in known)
    return Procedures(bare, known.sources, known.calendars)


def seen(process_id: str, hours: float, *, created: float = 0, **fields: Any) -> Version:
    """A version some hours after `MONDAY`; fields that end in `_at` are such hours too."""
    times = {"updated_at": hours, "created_at": created}
    times |= {name: fields.pop(name) for name in list(fields) if name.endswith("_at")}
    return version(
        process_id,
        0,
        **{name: MONDAY + round(value * HOUR) for name, value in times.items()},
        **fields,
    )


def in_order(*versions: Version) -> list[Version]:
    """The versions as lines of one file."""
    return [v | {"ingest_seq": (1, line)} for line, v in enumerate(versions, start=1)]


def built(*versions: Version, as_of: float, time_zone: str = "UTC") -> MemoryWarehouse:
    """A warehouse with these versions of jobs, built as at so many hours after `MONDAY`."""
    warehouse = MemoryWarehouse(jobs())
    warehouse.add(in_order(*versions))
    warehouse.build(MONDAY + round(as_of * HOUR), time_zone=time_zone)
    return warehouse


def week() -> MemoryWarehouse:
    """The week: A is reopened, B deleted and restored, C done at once, D first seen closed."""
    warehouse = MemoryWarehouse(jobs())
    warehouse.con.execute(
        "insert into raw.dimension_rows by name select 'users' as dimension, $ann::uuid as id, "
        "'Ann' as name, '{}' as data, 1 as ingest_seq, 1 as batch_seq",
        {"ann": ANN},
    )
    ann: dict[str, Any] = {"assigned_to": ANN}
    bob: dict[str, Any] = {"assigned_to": BOB}
    in_pod: dict[str, Any] = {"state": "WORK", "belongs_to": POD}
    done: dict[str, Any] = {"state": "DONE", "belongs_to": POD, "status": "COMPLETED"}
    warehouse.add(
        in_order(
            seen(A, 0),
            seen(A, 2, **ann, next_action_at=20),
            seen(A, 10, **ann, **in_pod, next_action_at=20),
            seen(A, 30, **bob, **in_pod, next_action_at=35),
            seen(A, 40, **bob, **done),
            seen(A, 60, **bob, **in_pod, next_action_at=70),
            seen(B, 5, created=5, **ann, next_action_at=10),
            seen(B, 8, created=5, **ann, next_action_at=15),
            seen(B, 20, created=5, **ann, is_deleted=True),
            seen(B, 28, created=5, **ann, next_action_at=40),
            seen(B, 50, created=5, **ann, status="CANCELLED"),
            seen(C, 0, **ann),
            seen(C, 0, **ann, status="COMPLETED"),
            seen(D, 10, created=4, completed_at=6, **bob, state="DONE", status="COMPLETED")
            | {"next_action_at": MONDAY},
        )
    )
    warehouse.build(MONDAY + AS_OF * HOUR)
    return warehouse


def hours(instant: int | None) -> float | None:
    return None if instant is None else (instant - MONDAY) / HOUR


def shown(rows: list[Row], *names: str) -> list[tuple[Any, ...]]:
    """Columns of rows: instants and seconds as hours, days by their number, people by name."""

    def value(name: str, of: Any) -> Any:
        if of is None:
            return None
        if name.endswith("_at"):
            return hours(of)
        if name.endswith("_seconds"):
            return of / 3600
        return f"{of:%a}" if name == "day" else WHO.get(of, of)

    return [tuple(value(name, row[name]) for name in names) for row in rows]
