"""Quantiles of durations: by hand where some still run, and as in the reference."""

from __future__ import annotations

from datetime import UTC, date, datetime
from random import Random
from typing import Any

import duckdb
import pytest

from schemas.definitions.duration import NamedDuration
from schemas.definitions.procedure import Procedures
from tests.reference import named_durations
from tests.reference.named_durations import Interval
from tests.support.jobs import HOUR, START
from tests.support.random_funnels import AS_OF, as_published, procedures_with, random_versions
from tests.support.sla_rows import built, history, jobs_with
from tests.support.warehouse import MemoryWarehouse, differences

PICKUP = {"name": "pickup", "from": "created", "to": "left: NEW"}
VISIT = {"name": "asking", "from": "state: ASK", "to": "left: ASK", "occurrence": "each"}


@pytest.fixture(scope="module")
def published() -> MemoryWarehouse:
    procedures = Procedures(
        tuple(
            procedure.model_copy(
                update={"durations": tuple(map(NamedDuration.model_validate, (PICKUP, VISIT)))}
            )
            for procedure in procedures_with([])
        ),
        {},
    )
    versions = random_versions(Random(5), 150)
    # A quarter began before the first version that is there.
    for number, version in enumerate(versions):
        if number % 4 == 0:
            version["created_at"] -= 30 * HOUR
    warehouse = MemoryWarehouse(procedures)
    warehouse.add(versions)
    warehouse.build(AS_OF, whole=True)
    as_published(warehouse, "job_processes")
    return warehouse


def intervals(warehouse: MemoryWarehouse, measure: str) -> list[dict[str, Any]]:
    """The durations of a measure, from the tables of processes one by one."""
    if measure in ("resolution", "first_assignment"):
        rows = warehouse.rows(
            "select p.process_id, p.procedure, p.outcome, p.completed_at, p.cancelled_at, "
            f"p.deleted_at, o.started_at, l.{measure}_seconds as seconds, "
            "o.is_observed_from_start as is_observed from processes as p "
            "join process_lifecycle as l using (process_id) "
            "join process_outcomes as o using (process_id)"
        )
        for row in rows:
            finished = row["seconds"] is not None
            running = row["outcome"] == "open"
            row["end"] = "finished" if finished else "running" if running else "otherwise"
            closed_at = row["completed_at"] or row["cancelled_at"] or row["deleted_at"]
            until = AS_OF if running else closed_at
            if not finished:
                row["seconds"] = (until - row["started_at"]) / 1000
        return rows
    name = measure.removeprefix("business_")
    rows = warehouse.rows(f"from process_durations where measure = '{name}'")
    for row in rows:
        by = row["ended_by"]
        row["end"] = "finished" if by == "stop" else "running" if by is None else "otherwise"
        row["seconds"] = row["business_seconds" if measure != name else "seconds"]
    return rows


def expected(
    warehouse: MemoryWarehouse, measure: str, values: dict[str, str | None], **limits: Any
) -> list[dict[str, Any]]:
    found = [
        Interval(
            row["procedure"],
            values.get(row["process_id"]),
            round(row["seconds"] * 1000),
            row["end"],
            row["is_observed"],
        )
        for row in intervals(warehouse, measure)
        if row["procedure"] == limits.get("procedure", row["procedure"])
        and limits.get("first", date.min) <= day(row["started_at"]) <= limits.get("last", date.max)
    ]
    return named_durations.durations(found)


def day(instant: int) -> date:
    return datetime.fromtimestamp(instant / 1000, UTC).date()


@pytest.mark.parametrize(
    "measure", ["pickup", "business_pickup", "asking", "resolution", "first_assignment"]
)
def test_it_equals_the_reference(published: MemoryWarehouse, measure: str) -> None:
    rows = expected(published, measure, {})
    assert differences(published.rows(f"from durations('{measure}')"), rows) == []
    assert sum(row["n_left_out"] for row in rows) > (0 if measure != "asking" else -1)
    assert sum(row["n_running"] + row["n_ended_otherwise"] for row in rows) > 10


def test_by_value_and_between_days(published: MemoryWarehouse) -> None:
    rows = published.rows("select process_id, colour from job_processes")
    colours = {row["process_id"]: row["colour"] for row in rows}
    last = day(START + 5 * HOUR)
    found = published.rows(
        "from durations('asking', procedure := 'job', by := 'colour', "
        f"from_date := '{day(START)}', to_date := '{last}')"
    )
    limits = {"procedure": "job", "first": day(START), "last": last}
    assert differences(found, expected(published, "asking", colours, **limits)) == []
    assert {row["value"] for row in found} == {"x", "y", None}
    assert published.rows("from durations('asking', to_date := '2001-01-01')") == []


def test_running_and_closed_ones_are_censored() -> None:
    """Of four, one leaves after 10 s and one after 40; between, one is cancelled; one waits."""
    warehouse = built(
        jobs_with(durations=[PICKUP]),
        history(1, (0, {}), (10, {"state": "WORK"})),
        history(2, (0, {}), (20, {"status": "CANCELLED"})),
        history(3, (0, {}), (40, {"state": "WORK"})),
        history(4, (0, {})),
        as_of=100,
    )
    as_published(warehouse)
    (row,) = warehouse.rows("from durations('pickup')")
    # 1/4 by 10 s; of the two left at 40 s one: 1 - 3/4 x 1/2 = 5/8.
    assert row["n"] == 2
    assert (row["n_running"], row["n_ended_otherwise"], row["n_left_out"]) == (1, 1, 0)
    assert (row["p25_seconds"], row["p50_seconds"], row["p75_seconds"]) == (10, 40, None)
    assert (row["finished_p50_seconds"], row["is_small"]) == (25, True)
    assert (row["measure"], row["value"]) == ("pickup", None)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            "'x'",
            "durations: found measure x; allowed: resolution, first_assignment, asking, "
            "business_asking, pickup, business_pickup",
        ),
        ("null", "durations: found measure null; allowed: resolution"),
        ("'business_resolution'", "durations: found measure business_resolution; allowed"),
        ("'pickup', procedure := 'x'", "durations: found unknown procedure x; allowed: job, task"),
        (
            "'pickup', by := 'colour'",
            "durations: found by := colour without a procedure; allowed: created_month",
        ),
        (
            "'pickup', procedure := 'job', by := 'size '",
            "durations: found by := size ; allowed: created_month, or a column of job_processes",
        ),
        (
            "'pickup', from_date := '2024-01-02', to_date := '2024-01-01'",
            "durations: found from_date 2024-01-02 after to_date 2024-01-01",
        ),
    ],
)
@pytest.mark.parametrize("read", ["*", "count(*)", "n", "1"])
def test_wrong_arguments_are_refused(
    published: MemoryWarehouse, arguments: str, message: str, read: str
) -> None:
    with pytest.raises(duckdb.Error) as raised:
        published.executed(f"select {read} from durations({arguments})").fetchall()
    assert message in str(raised.value)
