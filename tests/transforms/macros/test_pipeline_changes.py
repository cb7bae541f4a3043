"""What changed between two instants: by hand, as in the reference, and adding up."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from random import Random
from typing import NamedTuple

import duckdb
import pytest

from schemas.definitions.procedure import Procedures
from tests.reference.pipeline import pipeline_changes
from tests.reference.versions import Row, Version, histories
from tests.support.jobs import HOUR, START, A, B, C, D, version
from tests.support.random_funnels import (
    AS_OF,
    as_published,
    procedures_with,
    random_versions,
    reference_procedures,
)
from tests.support.warehouse import MemoryWarehouse, differences

INSTANTS = [START + round(hours * HOUR) for hours in (-1, 0, 1, 5, 12, 30, 60)]
SPANS = [(a, b) for n, a in enumerate(INSTANTS) for b in INSTANTS[n::3]]


class Published(NamedTuple):
    warehouse: MemoryWarehouse
    versions: list[Version]


def tracked() -> Procedures:
    """Both procedures, which keep the history of `size`."""
    return Procedures(
        tuple(
            procedure.model_copy(
                update={
                    "attributes": tuple(
                        attribute.model_copy(update={"track": attribute.short_id == "size"})
                        for attribute in procedure.attributes
                    )
                }
            )
            for procedure in procedures_with([])
        ),
        {},
    )


def publish(versions: list[Version], as_of: int = AS_OF) -> MemoryWarehouse:
    warehouse = MemoryWarehouse(tracked())
    warehouse.add(versions)
    warehouse.build(as_of, whole=True)
    as_published(warehouse, "job_processes", "task_processes")
    return warehouse


@pytest.fixture(scope="module")
def published() -> Published:
    random = Random(13)
    versions: list[Version] = [
        version
        | {
            "data": {
                name: value
                for name, value in {
                    "size": random.choice((None, 1, 2, 40)),
                    "weight": random.choice((None, 0.5)),
                }.items()
                if value is not None
            }
        }
        for version in random_versions(random, 150)
    ]
    return Published(publish(versions), versions)


def text(instant: int) -> str:
    return datetime.fromtimestamp(instant / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S.%f")


def asked(warehouse: MemoryWarehouse, first: int, last: int, more: str = "") -> list[Row]:
    query = f"from pipeline_changes('{text(first)}', '{text(last)}'{more})"
    return [
        {name: float(x) if name.endswith("amount") and x is not None else x for name, x in row}
        for row in (row.items() for row in warehouse.rows(query))
    ]


@pytest.mark.parametrize(("first", "last"), SPANS)
def test_counts_equal_the_reference(published: Published, first: int, last: int) -> None:
    expected = [
        row
        for procedure in ("job", "task")
        for row in pipeline_changes(
            published.versions,
            reference_procedures([]),
            procedure,
            first,
            last,
            as_of=AS_OF,
            amount_at=lambda *_: None,
        )
    ]
    names = ("procedure", "step_no", "change", "processes", "change_processes", "open_processes")
    found = asked(published.warehouse, first, last)
    assert differences(found, expected, columns=names) == []
    assert {row["amount"] for row in found} == {None}


@pytest.mark.parametrize("attribute", ["size", "weight"])
@pytest.mark.parametrize(("first", "last"), SPANS)
def test_amounts_equal_the_reference(
    published: Published, attribute: str, first: int, last: int
) -> None:
    """Those of `size` at each instant, of `weight`, which has no history, the latest at both: none
    of what is in another procedure now.
    """
    seen = histories(published.versions, AS_OF)

    def amount_at(process_id: str, instant: int) -> Decimal | None:
        history = [v for v in seen[process_id] if v["procedure"] == "job"]
        known = [v for v in history if v["updated_at"] <= instant] or history[:1]
        value = (known if attribute == "size" else history)[-1]["data"].get(attribute)
        has_left = attribute == "weight" and seen[process_id][-1]["procedure"] != "job"
        return None if value is None or has_left else Decimal(str(value))

    expected = pipeline_changes(
        published.versions,
        reference_procedures([]),
        "job",
        first,
        last,
        as_of=AS_OF,
        amount_at=amount_at,
    )
    found = asked(published.warehouse, first, last, f", procedure := 'job', value := '{attribute}'")
    assert differences(found, expected) == []


def test_what_has_left_the_procedure_keeps_the_value_it_had_there() -> None:
    """That of A never changed; that of B did once, and again in the other procedure."""
    task = {"procedure": "task"}
    versions = [
        version(A, 0, data={"size": 10}),
        version(A, 5, data={"size": 10}, **task),
        version(B, 0, data={"size": 4}),
        version(B, 3, data={"size": 6}),
        version(B, 5, data={"size": 50}, **task),
        version(C, 0, data={"size": 1}),
    ]
    warehouse = publish(versions, START + 20 * HOUR)
    more = ", procedure := 'job', value := 'size'"
    rows = asked(warehouse, START + 2 * HOUR, START + 10 * HOUR, more)
    assert {row["change"]: row["change_amount"] for row in rows if row["change_amount"]} == {
        "value up": 2,
        "moved out": -16,
    }
    assert (rows[0]["open_amount"], rows[-1]["open_amount"]) == (15, 1)
    assert {row["n_without_value"] for row in rows} == {0}


@pytest.mark.parametrize("value", ["size", "weight"])
def test_the_changes_add_up_from_the_start_to_the_end(published: Published, value: str) -> None:
    for procedure in ("job", "task"):
        for first, last in SPANS:
            more = f", procedure := '{procedure}', value := '{value}'"
            rows = asked(published.warehouse, first, last, more)
            start, *_, end = rows
            assert (start["change"], end["change"]) == ("open at start", "open at end")
            for count, change, total in (
                ("processes", "change_processes", "open_processes"),
                ("amount", "change_amount", "open_amount"),
            ):
                assert start[count] + sum(row[change] for row in rows) == end[count]
                assert end[total] == end[count]


def test_the_end_of_one_span_is_the_start_of_the_next(published: Published) -> None:
    more = ", procedure := 'job', value := 'size'"
    for first, middle, last in zip(INSTANTS, INSTANTS[1:], INSTANTS[2:], strict=False):
        *_, end = asked(published.warehouse, first, middle, more)
        start, *_ = asked(published.warehouse, middle, last, more)
        for name in ("processes", "amount", "n_without_value"):
            assert end[name] == start[name]


def test_what_each_kind_is() -> None:
    versions = [
        # Open at both, worth more; it moves on.
        version(A, 0, data={"size": 10}),
        version(A, 5, data={"size": 25}, state="WORK"),
        # Won with what it was worth by then.
        version(B, 0, data={"size": 4}),
        version(B, 6, data={"size": 3}, status="COMPLETED"),
        # New, and lost before the end.
        version(C, 4, data={"size": 7}, created_at=START + 4 * HOUR),
        version(C, 6, data={"size": 7}, created_at=START + 4 * HOUR, status="CANCELLED"),
        # Lost before the start, and reopened; its size is not known.
        version(D, 0),
        version(D, 1, status="CANCELLED"),
        version(D, 7),
    ]
    warehouse = publish(versions, START + 20 * HOUR)
    rows = asked(
        warehouse,
        START + 2 * HOUR,
        START + 10 * HOUR,
        ", procedure := 'job', value := 'size'",
    )
    shown = {
        row["change"]: tuple(
            row[name] for name in ("processes", "open_processes", "change_amount", "open_amount")
        )
        for row in rows
        if row["processes"]
    }
    assert shown == {
        "open at start": (2, 2, 0, 14),
        "new": (1, 3, 7, 21),
        "reopened": (1, 4, 0, 21),
        "value up": (1, 4, 15, 36),
        "value down": (1, 4, -1, 35),
        "won": (1, 3, -3, 32),
        "lost": (1, 2, -7, 25),
        "moved on": (1, 2, 0, 25),
        "open at end": (2, 2, 0, 25),
    }
    assert [row["n_without_value"] for row in rows if row["n_without_value"]] == [1, 1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("null, '2023-11-15'", "pipeline_changes: found null; allowed: an instant"),
        ("'2023-11-15', '2099-01-01'", "pipeline_changes: found 2099-01-01; allowed: up to"),
        (
            "'2023-11-15', '2023-11-14'",
            "found from_instant 2023-11-15 after to_instant 2023-11-14; allowed",
        ),
        (
            "'2023-11-14', '2023-11-15', procedure := 'x'",
            "pipeline_changes: found unknown procedure x; allowed: job, task",
        ),
        (
            "'2023-11-14', '2023-11-15', value := 'size'",
            "found value := size without a procedure; allowed",
        ),
        (
            "'2023-11-14', '2023-11-15', procedure := 'job', value := 'colour'",
            "found value := colour; allowed: a column with numbers of job_processes",
        ),
    ],
)
@pytest.mark.parametrize("read", ["*", "count(*)", "change"])
def test_wrong_arguments_are_refused(
    published: Published, arguments: str, message: str, read: str
) -> None:
    query = f"select {read} from pipeline_changes({arguments})"
    with pytest.raises(duckdb.Error) as raised:
        published.warehouse.executed(query).fetchall()
    assert message in str(raised.value)
