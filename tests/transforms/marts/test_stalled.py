"""Which open processes are stalled: the limit of a state, from all stays of open processes in it."""

from __future__ import annotations

import math
from random import Random

import pytest

from tests.reference.versions import Row, Version
from tests.support.jobs import HOUR, START, jobs, version
from tests.support.warehouse import MemoryWarehouse


def process(number: int) -> str:
    return f"00000000-0000-4000-8000-{number:012}"


def stay(number: int, hours: float | None, *, begun: float = 0, **ended: object) -> list[Version]:
    """A job that begins in NEW, and what ends the stay there after some hours."""
    same = {"created_at": START + round(begun * HOUR)}
    first = version(process(number), begun, ingest_seq=(1, number * 2 + 1), **same)
    if hours is None:
        return [first]
    last = {"state": "WORK", **same, **ended, "ingest_seq": (1, number * 2 + 2)}
    return [first, version(process(number), begun + hours, **last)]


def built(*stays: list[Version], hours: float) -> MemoryWarehouse:
    warehouse = MemoryWarehouse(jobs())
    warehouse.add([v for versions in stays for v in versions])
    warehouse.build(START + round(hours * HOUR))
    return warehouse


def limit(warehouse: MemoryWarehouse) -> float | None:
    (row,) = warehouse.rows("select p85_seconds / 3600 as v from state_limits where state = 'NEW'")
    return row["v"]


def ageing(warehouse: MemoryWarehouse) -> list[Row]:
    return warehouse.rows(
        "select open_processes as open, p85_seconds / 3600 as p85, n_stalled from open_ageing "
        "where state = 'NEW'"
    )


def test_the_limit_is_the_time_by_which_85_percent_have_left() -> None:
    """Nine leave after 1 to 9 hours: 8 of 10 within 8, 9 of 10 within 9. The tenth is stalled."""
    warehouse = built(*(stay(n, n) for n in range(1, 10)), stay(10, None), hours=50)
    assert ageing(warehouse) == [{"open": 1, "p85": 9, "n_stalled": 1}]
    (row,) = warehouse.rows("from stalled_processes where state = 'NEW'")
    assert row["process_id"] == process(10)
    assert (row["in_state_since"], row["seconds_in_state"]) == (START, 50 * 3600)
    assert row["times_p85"] == pytest.approx(50 / 9)


def test_stays_that_run_have_their_say() -> None:
    """Six of ten have left after 50 hours: how long 85 % take is not known, and none is stalled."""
    leaving = [stay(n, n) for n in range(1, 7)]
    warehouse = built(*leaving, *(stay(n, None) for n in range(7, 11)), hours=50)
    assert ageing(warehouse) == [{"open": 4, "p85": None, "n_stalled": None}]
    assert warehouse.rows("from stalled_processes where state = 'NEW'") == []


def test_a_running_stay_counts_up_to_its_age() -> None:
    """Of four the youngest, after 4 hours, says nothing on later times: 1/4, 2/4, then all."""
    warehouse = built(
        stay(1, 1), stay(2, 2), stay(3, 30), stay(4, None, begun=46), stay(5, 31), hours=50
    )
    # 1/5, 2/5; 4 hours: censored; then two are left, and 3/5 * 1/2 = 0.3 remain after 30 hours.
    assert limit(warehouse) == 31


def test_a_closing_ends_a_stay_and_a_deletion_cuts_it_off() -> None:
    closed = [stay(n, n, state="NEW", status="COMPLETED") for n in range(1, 10)]
    assert limit(built(*closed, stay(10, None), hours=50)) == 9
    deleted = [stay(n, n, state="NEW", is_deleted=True) for n in range(1, 10)]
    assert limit(built(*deleted, stay(10, None), hours=50)) is None
    # Stays of a process that is closed, or first seen closed, are not those of an open one.
    seen_closed = version(process(1), 5, status="COMPLETED", ingest_seq=(1, 1))
    rows = built([seen_closed], hours=50).rows("from state_limits")
    assert rows == []


def test_the_limit_is_that_of_the_law() -> None:
    """Stays of ten days on average, begun within 30: those that have ended are the short ones."""
    random, mean = Random(2), 240.0
    stays: list[list[Version]] = []
    ended: list[float] = []
    for number in range(3000):
        begun, hours = random.uniform(0, 720), random.expovariate(1 / mean)
        is_over = begun + hours < 720
        stays.append(stay(number, hours if is_over else None, begun=begun))
        ended += [hours] if is_over else []
    truth = mean * math.log(1 / 0.15)
    found = limit(built(*stays, hours=720))
    assert found == pytest.approx(truth, rel=0.06)
    assert sorted(ended)[round(0.85 * len(ended))] < 0.85 * truth
