"""What was open at the end of each day and what it was worth: by hand and as in the reference."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, date, datetime
from decimal import Decimal
from random import Random
from typing import Any, NamedTuple

import duckdb
import pytest

from schemas.definitions.procedure import Procedures
from tests.reference.pipeline_daily import pipeline_daily
from tests.reference.versions import Row, Version, histories
from tests.support.jobs import JOB, START, A, B, C, D, jobs, version
from tests.support.random_funnels import (
    AS_OF,
    as_published,
    procedures_with,
    random_versions,
    reference_procedures,
)
from tests.support.warehouse import MemoryWarehouse, differences

ZONE = "Europe/Berlin"
# So that the histories, of two days and a half, go on for two months and a half.
STRETCH = 30
LAST = START + STRETCH * (AS_OF - START)
DEFINED = {("job", "ASK"): 0.25, ("job", "DONE"): 1.0}


class Published(NamedTuple):
    warehouse: MemoryWarehouse
    versions: list[Version]


def with_probabilities() -> Procedures:
    """Both procedures; `job` keeps the history of `size` and has two probabilities."""
    job, task = procedures_with([])
    states = tuple(
        state.model_copy(update={"probability": DEFINED.get(("job", state.short_id))}).at_rank(
            state.rank
        )
        for state in job.states
    )
    attributes = tuple(
        attribute.model_copy(update={"track": attribute.short_id == "size"})
        for attribute in job.attributes
    )
    return Procedures(
        (job.model_copy(update={"states": states, "attributes": attributes}), task), {}
    )


@pytest.fixture(scope="module")
def published() -> Published:
    random = Random(23)
    versions = random_versions(random, 120)
    for found in versions:
        for name in ("updated_at", "completed_at", "cancelled_at"):
            if found[name] is not None:
                found[name] = START + STRETCH * (found[name] - START)
        for name, values in (("size", (None, 1, 2, 40)), ("weight", (None, 0.5))):
            value = random.choice(values)
            found["data"] = found["data"] | ({} if value is None else {name: value})
    warehouse = MemoryWarehouse(with_probabilities())
    warehouse.add(versions)
    warehouse.build(LAST, time_zone=ZONE)
    as_published(warehouse, "backlog_daily", "job_processes", "task_processes")
    return Published(warehouse, versions)


def asked(warehouse: MemoryWarehouse, arguments: str = "") -> list[Row]:
    rows = warehouse.rows(f"from pipeline_daily({arguments})")
    return [row | {"amount": row["amount"] and float(row["amount"])} for row in rows]


@pytest.fixture(scope="module")
def expected(published: Published) -> dict[str, list[Row]]:
    """The rows by attribute: `size` has a history, of `weight` the latest value counts."""
    seen = histories(published.versions, LAST)

    def rows_of(attribute: str) -> list[Row]:
        def amount_at(process_id: str, instant: int) -> Decimal | None:
            history = [v for v in seen[process_id] if v["procedure"] == "job"]
            if not history:
                return None  # only rows of `job` have amounts
            known = [v for v in history if v["updated_at"] <= instant] or history[:1]
            value = (known if attribute == "size" else history)[-1]["data"].get(attribute)
            has_left = attribute == "weight" and seen[process_id][-1]["procedure"] != "job"
            return None if value is None or has_left else Decimal(str(value))

        return pipeline_daily(
            published.versions,
            reference_procedures([]),
            as_of=LAST,
            time_zone=ZONE,
            defined=DEFINED,
            amount_at=amount_at,
        )

    return {attribute: rows_of(attribute) for attribute in ("size", "weight")}


@pytest.mark.parametrize("attribute", ["size", "weight"])
def test_amounts_equal_the_reference(
    published: Published, expected: dict[str, list[Row]], attribute: str
) -> None:
    rows = [row for row in expected[attribute] if row["procedure"] == "job"]
    found = asked(published.warehouse, f"procedure := 'job', value := '{attribute}'")
    assert differences(found, rows) == []
    observed = {row["observed_probability"] for row in rows}
    assert None in observed
    assert len(observed) > 10


def test_without_a_value_the_processes_of_all_procedures_are_weighted(
    published: Published, expected: dict[str, list[Row]]
) -> None:
    found = asked(published.warehouse)
    of_value = ("amount", "weighted_amount", "n_without_value")
    assert {row[name] for row in found for name in of_value} == {None}
    rows = [{k: x for k, x in row.items() if k not in of_value} for row in expected["size"]]
    assert {row["procedure"] for row in rows} == {"job", "task"}
    assert differences(found, rows, columns=rows[0]) == []
    backlog = published.warehouse.rows("from backlog_daily")
    assert differences(found, backlog, columns=backlog[0]) == []


def test_a_period_has_the_rows_of_its_days(published: Published) -> None:
    whole = asked(published.warehouse, "procedure := 'job'")
    some = asked(
        published.warehouse,
        "procedure := 'job', from_date := '2023-12-30', to_date := '2024-01-02'",
    )
    first, last = date(2023, 12, 30), date(2024, 1, 2)
    assert some == [row for row in whole if first <= row["day"] <= last]
    assert {row["day"].month for row in some} == {1, 12}


def at(day: int, hour: int = 12, month: int = 1) -> int:
    return round(datetime(2026, month, day, hour, tzinfo=UTC).timestamp() * 1000)


def moved(process_id: str, day: int, *, month: int = 1, hour: int = 12, **fields: Any) -> Version:
    """A version of a job that was created on 2 January 2026."""
    instant = at(day, hour, month)
    ended = {"COMPLETED": "completed_at", "CANCELLED": "cancelled_at"}.get(
        fields.get("status", "OPEN")
    )
    row = version(process_id, created_at=at(2), updated_at=instant, **fields)
    line = 1 + month * 100_000 + day * 100 + hour
    return row | ({ended: instant} if ended else {}) | {"ingest_seq": (1, line)}


@pytest.fixture(scope="module")
def by_hand() -> MemoryWarehouse:
    states: list[Any] = [state | {} for state in JOB["states"]]
    states[1]["probability"] = 0.6
    attributes = [a | {"track": a["shortId"] == "size"} for a in JOB["attributes"]]
    warehouse = MemoryWarehouse(jobs(states=states, attributes=attributes))
    warehouse.add(
        [
            # Of four that entered NEW in January one was completed, one cancelled, by its end.
            moved(A, 2, data={"size": 1}),
            moved(A, 20, status="COMPLETED", data={"size": 1}),
            moved(B, 2, data={"size": 2}),
            moved(B, 25, status="CANCELLED", data={"size": 2}),
            # Its size changes and it goes on to WORK, in the last hour of a day in Berlin.
            moved(C, 2, data={"size": 10}),
            moved(C, 10, month=2, hour=22, state="WORK", data={"size": 30}),
            # It is completed in February, which counts from March on.
            moved(D, 2),
            moved(D, 20, month=2, status="COMPLETED"),
        ]
    )
    warehouse.build(at(3, month=3), time_zone=ZONE)
    as_published(warehouse, "job_processes")
    return warehouse


def shown(rows: list[Row]) -> list[tuple[Any, ...]]:
    names = ("day", "state", "open_processes", "probability", "weighted_processes", "n_observed")
    of_value = ("amount", "weighted_amount", "n_without_value")
    return [tuple(row[name] for name in (*names, *of_value)) for row in rows]


def test_literal_days(by_hand: MemoryWarehouse) -> None:
    rows = asked(by_hand, "procedure := 'job', value := 'size'")
    by_day: dict[date, list[Row]] = defaultdict(list)
    for found in rows:
        by_day[found["day"]].append(found)

    def on(month: int, day: int) -> list[tuple[Any, ...]]:
        return shown(by_day[date(2026, month, day)])

    def row(month: int, day: int, *values: Any) -> tuple[Any, ...]:
        return (date(2026, month, day), *values)

    # When January began nothing was known: not even later, that one was completed.
    assert on(1, 19) == [row(1, 19, "NEW", 4, None, None, 0, 13.0, None, 1)]
    assert on(1, 31) == [row(1, 31, "NEW", 2, None, None, 0, 10.0, None, 1)]
    # From four at risk one was completed, of the three left one was cancelled.
    assert on(2, 9) == [row(2, 9, "NEW", 2, 0.25, 0.5, 4, 10.0, 2.5, 1)]
    assert on(2, 10) == [
        row(2, 10, "NEW", 1, 0.25, 0.25, 4, 0.0, 0.0, 1),
        row(2, 10, "WORK", 1, 0.6, 0.6, 0, 30.0, 18.0, 0),
    ]
    # In March a second one of those in NEW is known to have been completed: 1/4, and half of the
    # half that was left. Of WORK nothing has ended yet, and a definition needs nothing.
    (work,) = by_day[date(2026, 3, 3)]
    assert shown([work]) == [row(3, 3, "WORK", 1, 0.6, 0.6, 1, 30.0, 18.0, 0)]
    assert (work["defined_probability"], work["observed_probability"]) == (0.6, None)
    assert work["is_small"]


def test_what_happens_later_changes_no_day(published: Published) -> None:
    """A build as of the end of an earlier day has the same rows up to that day."""
    until = datetime(2023, 12, 20, 23, tzinfo=UTC)
    as_of = round(until.timestamp() * 1000) - 1
    warehouse = MemoryWarehouse(with_probabilities())
    warehouse.add(published.versions)
    warehouse.build(as_of, time_zone=ZONE)
    as_published(warehouse, "job_processes", "task_processes")
    known = asked(warehouse, "procedure := 'job'")
    later = asked(published.warehouse, "procedure := 'job', to_date := '2023-12-20'")
    assert known[-1]["day"] == date(2023, 12, 20)
    assert differences(known, later) == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("procedure := 'x'", "pipeline_daily: found unknown procedure x; allowed: job, task"),
        ("value := 'size'", "pipeline_daily: found value := size without a procedure; allowed"),
        (
            "procedure := 'job', value := 'colour'",
            "pipeline_daily: found value := colour; allowed: a column with numbers of job_processes",
        ),
        (
            "from_date := '2024-01-02', to_date := '2024-01-01'",
            "pipeline_daily: found from_date 2024-01-02 after to_date 2024-01-01; allowed",
        ),
    ],
)
@pytest.mark.parametrize("read", ["*", "count(*)", "state"])
def test_wrong_arguments_are_refused(
    published: Published, arguments: str, message: str, read: str
) -> None:
    with pytest.raises(duckdb.Error) as raised:
        published.warehouse.executed(f"select {read} from pipeline_daily({arguments})").fetchall()
    assert message in str(raised.value)
