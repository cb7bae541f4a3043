"""Gray's test of outcomes by value of an attribute: against cmprsk, and against exact fractions."""

from __future__ import annotations

import math
from random import Random
from typing import Any

import duckdb
import pytest

from tests.reference.outcome_tests import chi_square_tail, gray_test, holm
from tests.reference.outcomes import DAY, Watched
from tests.reference.versions import Version
from tests.support.jobs import HOUR, START, jobs, version
from tests.support.warehouse import MemoryWarehouse
from transforms.macros.load import MACROS

# 35 patients after a transplant (Scrucca, Santucci and Aversa 2007): disease, months, and what
# happened first (1, 2) or nothing (0). Months are hours here.
PATIENTS = [
    *((0, 13, 2), (0, 1, 1), (0, 72, 0), (0, 7, 2), (0, 8, 2), (1, 67, 0), (0, 9, 2), (0, 5, 2)),
    *((1, 70, 0), (1, 4, 0), (1, 7, 0), (1, 68, 0), (0, 1, 2), (1, 10, 2), (1, 7, 2), (1, 3, 1)),
    *((1, 4, 1), (1, 4, 1), (1, 3, 1), (1, 3, 1), (0, 22, 2), (1, 8, 1), (1, 2, 2), (0, 0, 2)),
    *((0, 0, 1), (0, 35, 0), (1, 35, 0), (0, 4, 2), (0, 14, 2), (0, 26, 2), (0, 3, 2), (1, 2, 0)),
    *((1, 8, 0), (1, 32, 0), (0, 12, 1)),
]
_OUTCOMES = {0: None, 1: "completed", 2: "cancelled"}


def job(
    number: int, outcome: str | None, hours: float, *, seen: float = 0, **data: Any
) -> list[Version]:
    """A job created at the start, first seen after some hours; one without an outcome is deleted."""
    process_id = f"00000000-0000-4000-8000-{number:012}"
    status = {"completed": "COMPLETED", "cancelled": "CANCELLED"}.get(outcome or "", "OPEN")
    first = version(process_id, seen, data=data, ingest_seq=(1, number * 10 + 1))
    changed = {"status": status, "is_deleted": outcome is None, "data": data}
    return [first, version(process_id, hours, **changed, ingest_seq=(1, number * 10 + 2))]


def built(*histories: list[Version], most: int = 1000, **changes: Any) -> MemoryWarehouse:
    changes = {"compareBy": ["colour", "size"]} | changes
    warehouse = MemoryWarehouse(jobs(**changes))
    warehouse.con.execute(f"create or replace temp macro most_test_times() as {most}")
    warehouse.add([v for versions in histories for v in versions])
    warehouse.build(START + 100 * DAY)
    return warehouse


def test_the_values_of_cmprsk() -> None:
    """Computed with comprisk 0.8.0, which agrees with the R package cmprsk, on the same rows."""
    histories = [
        job(number, _OUTCOMES[status], months, colour=f"disease {disease}", size=number % 3)
        for number, (disease, months, status) in enumerate(PATIENTS)
    ]
    rows = built(*histories).rows(
        "select attribute, outcome, n_groups, processes, events, statistic, degrees_of_freedom, "
        "p_value, p_adjusted, n_tests, not_tested_because from outcome_curve_tests"
    )
    near = pytest.approx
    # In the order of their p-values they count 6, 5, 4, 3, 2 times and once, and none less than
    # the one before.
    assert [tuple(row.values()) for row in rows] == [
        (
            "colour",
            "completed",
            2,
            35,
            9,
            near(1.3016345436),
            1,
            near(0.2539148712),
            near(3 * 0.2539148712),
            6,
            None,
        ),
        (
            "colour",
            "cancelled",
            2,
            35,
            15,
            near(7.0822780251),
            1,
            near(0.007784998),
            near(6 * 0.007784998),
            6,
            None,
        ),
        (
            "colour",
            "any",
            2,
            35,
            24,
            near(1.9606580744),
            1,
            near(0.1614429561),
            near(4 * 0.1614429561),
            6,
            None,
        ),
        (
            "size",
            "completed",
            3,
            35,
            9,
            near(2.5910486906),
            2,
            near(0.2737542849),
            near(3 * 0.2539148712),
            6,
            None,
        ),
        (
            "size",
            "cancelled",
            3,
            35,
            15,
            near(1.0113754645),
            2,
            near(0.6030906679),
            near(3 * 0.2539148712),
            6,
            None,
        ),
        (
            "size",
            "any",
            3,
            35,
            24,
            near(6.7663901449),
            2,
            near(0.0339388442),
            near(5 * 0.0339388442),
            6,
            None,
        ),
    ]


def random_job(random: Random, number: int, n_groups: int) -> tuple[list[Version], Watched]:
    """A job of one of some groups, at few instants so that ties are frequent; a third enter late."""
    group = number % n_groups
    hours = random.choice((20, 24, 30, 48, 49, 100, 100.25, 240)) + 5 * (group == 0)
    outcome = random.choice(("completed", "completed", "cancelled", None))
    seen = random.choice((0, 0, 3, 10)) if number >= 2 * n_groups else 0
    late = round(seen * HOUR) if seen else None
    history = job(number, outcome, hours, seen=seen, colour=str(group))
    return history, Watched(round(hours * HOUR), outcome, late)


def rounded(watched: list[Watched], most: int) -> list[Watched]:
    """Outcomes at the last one of each so many times."""
    times = sorted({w.ms for w in watched if w.outcome})
    size = math.ceil(len(times) / most)
    runs = [times[k : k + size] for k in range(0, len(times), size)]
    last = {time: run[-1] for run in runs for time in run}
    return [w if w.outcome is None else w._replace(ms=last[w.ms]) for w in watched]


@pytest.mark.parametrize(("seed", "n_groups", "most"), [(1, 2, 1000), (2, 3, 4), (3, 4, 1000)])
def test_statistics_equal_exact_fractions(seed: int, n_groups: int, most: int) -> None:
    """Some enter late; in one trial there are more times of outcomes than are told apart."""
    random = Random(seed)
    made = [random_job(random, number, n_groups) for number in range(10 * n_groups)]
    begun = [
        [v | {"created_at": v["created_at"] - (DAY if watched.after else 0)} for v in history]
        for history, watched in made
    ]
    watched = [
        w if w.after is None else Watched(w.ms + DAY, w.outcome, w.after + DAY) for _, w in made
    ]
    assert len({w.ms for w in watched if w.outcome}) > 4
    watched = rounded(watched, most)
    groups = [watched[k::n_groups] for k in range(n_groups)]
    rows = built(*begun, most=most, compareBy=["colour"]).rows("from outcome_curve_tests")
    assert len(rows) == 3
    for row in rows:
        expected = gray_test(groups, row["outcome"])
        assert expected is not None
        assert row["statistic"] == pytest.approx(expected, rel=1e-9)
        tail = chi_square_tail(row["statistic"], n_groups - 1)
        assert row["p_value"] == pytest.approx(tail, rel=1e-6)
    adjusted = [row["p_adjusted"] for row in rows]
    assert adjusted == pytest.approx(holm([row["p_value"] for row in rows]))


def test_eight_groups_of_at_least_five_are_compared() -> None:
    """And those without a value are in none."""
    histories = [job(n, "completed", 24 + n % 7, colour="red", size=n % 10) for n in range(59)]
    histories += [job(60 + n, "completed", 25 + n, colour="blue") for n in range(4)]
    histories += [job(70 + n, "completed", 25 + n, price=n) for n in range(3)]
    rows = built(*histories, compareBy=["colour", "price", "size"]).rows(
        "select attribute, n_groups, processes, n_left_out, events, degrees_of_freedom, n_tests, "
        "p_value is null and p_adjusted is null as is_null, not_tested_because "
        "from outcome_curve_tests where outcome = 'any'"
    )
    assert [tuple(row.values()) for row in rows] == [
        ("colour", 1, 59, 7, 59, None, 2, True, "fewer than two groups"),
        ("price", 0, 0, 66, 0, None, 2, True, "fewer than two groups"),
        ("size", 8, 48, 18, 48, 7, 2, False, None),
    ]


def older(history: list[Version], days: float) -> list[Version]:
    return [v | {"created_at": START - round(days * DAY)} for v in history]


def test_what_cannot_be_tested_says_why() -> None:
    """Nobody was cancelled; of the reds a late one comes when all before have ended; and of two
    sizes one is at risk only when the other has ended.
    """
    histories = [job(n, "completed", 24 + n, colour="blue") for n in range(6)]
    histories += [job(10 + n, "completed", 2, colour="red", size=1) for n in range(5)]
    histories += [older(job(20, "completed", 30, seen=20, colour="red"), 1)]
    histories += [older(job(30 + n, "completed", 9, seen=1, size=2), 9) for n in range(5)]
    rows = built(*histories).rows(
        "select attribute, outcome, statistic, p_value, not_tested_because as why "
        "from outcome_curve_tests"
    )
    assert [tuple(row.values()) for row in rows] == [
        ("colour", "completed", None, None, "a group ran empty"),
        ("colour", "cancelled", None, None, "no such outcome"),
        ("colour", "any", None, None, "a group ran empty"),
        ("size", "completed", None, None, "never at risk together"),
        ("size", "cancelled", None, None, "no such outcome"),
        ("size", "any", None, None, "never at risk together"),
    ]


@pytest.mark.parametrize("degrees", [1, 2, 3, 6, 7])
def test_tails_of_the_chi_square_distribution(degrees: int) -> None:
    with duckdb.connect() as con:
        con.execute(MACROS)
        for x in (0.5, 3.9, 4.1, 12.0, 80.0):
            ((found,),) = con.execute(
                "select chi_square_tail($x::double, $df::integer)", {"x": x, "df": degrees}
            ).fetchall()
            assert found == pytest.approx(chi_square_tail(x, degrees), rel=1e-6)
        (row,) = con.execute(
            "select chi_square_tail(0.0, 3), chi_square_tail(null, 3), chi_square_tail(300.0, 1)"
        ).fetchall()
    assert row == (1, None, pytest.approx(math.erfc(math.sqrt(150)), rel=1e-12))


def test_under_no_difference_few_p_values_are_small() -> None:
    """Groups drawn from one law: at the level of 5 % about 5 % are found to differ.

    One build: each attribute's values are one trial, drawn anew.
    """
    random = Random(5)
    names = [f"a{n}" for n in range(60)]
    attributes = [
        {"id": f"21000000-0000-4000-8000-{n:012}", "shortId": name, "type": "integer"}
        for n, name in enumerate(names)
    ]
    histories: list[list[Version]] = []
    for number in range(150):
        hours = random.expovariate(1 / 100)
        outcome = random.choice(("completed", "cancelled", None))
        data = {name: random.randrange(3) for name in names}
        histories.append(job(number, outcome, hours, **data))
    rows = built(*histories, attributes=attributes, compareBy=names).rows(
        "select p_value as p, p_adjusted as q from outcome_curve_tests where outcome = 'completed'"
    )
    assert len(rows) == len(names)
    assert 0 <= sum(row["p"] < 0.05 for row in rows) <= 8
    assert 20 <= sum(row["p"] < 0.5 for row in rows) <= 40
    assert min(row["q"] for row in rows) > 0.05
