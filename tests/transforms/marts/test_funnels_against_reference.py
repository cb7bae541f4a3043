"""Funnels of all kinds over random histories equal the plain-Python reference, as does the macro."""

from __future__ import annotations

from random import Random

import pytest

from tests.reference import drivers, funnels
from tests.support.jobs import HOUR
from tests.support.random_funnels import (
    AS_OF,
    HOURS,
    STATES,
    as_published,
    procedures_with,
    random_funnel,
    random_versions,
    reference_procedures,
)
from tests.support.warehouse import MemoryWarehouse, differences


@pytest.mark.parametrize(
    "seed", [0, *(pytest.param(seed, marks=pytest.mark.nightly) for seed in (1, 2))]
)
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
            "funnel_values_at_entry",
            funnels.values_at_entry(versions, known, as_of=AS_OF, attribute="colour"),
        ),
        (
            "conversion_drivers",
            drivers.drivers_at_entry(versions, known, as_of=AS_OF, attribute="colour"),
        ),
        (
            "funnel_cohorts",
            funnels.funnel_cohorts(versions, known, as_of=AS_OF, time_zone="Europe/Berlin"),
        ),
    ):
        found = warehouse.rows(f"from {name}")
        assert differences(found, expected, columns=expected[0])[:5] == [], name
    tested = warehouse.rows("from conversion_drivers where p_value < 1")
    assert tested
    reasons = warehouse.rows("select distinct stop_reason from funnel_progress")
    assert {row["stop_reason"] for row in reasons} == {
        None, "finished", "excluded", "strayed", "moved_out", "completed", "cancelled", "deleted",
        "open", "out_of_time",
    }  # fmt: skip


def test_the_macro_equals_the_tables_and_the_reference() -> None:
    random = Random(99)
    versions = random_versions(random, 150)
    asked = [
        ([random_step(random) for _ in range(random.randint(1, 5))], within)
        for within in (None, "5h")
        for _ in range(6)
    ]
    defined = [
        {
            "name": f"f{number}",
            "steps": [funnels.asked_step(step) for step in steps],
            **({"within": within} if within else {}),
        }
        for number, (steps, within) in enumerate(asked)
    ]
    warehouse = MemoryWarehouse(procedures_with(defined))
    warehouse.add(versions)
    warehouse.build(AS_OF, whole=True)
    restores = warehouse.rows("select 1 from state_visits where direction = 'same'")
    assert len(restores) > 5
    as_published(warehouse)
    known = reference_procedures([])
    for number, (steps, within) in enumerate(asked):
        texts = [step if isinstance(step, str) else "|".join(step) for step in steps]
        cased = [random.choice((text, text.lower(), text.title())) for text in texts]
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


def random_step(random: Random) -> str | list[str]:
    """A state, a few, or an outcome."""
    if random.random() < 0.2:
        return random.choice(("outcome: completed", "outcome: cancelled"))
    return random.sample(STATES, 2) if random.random() < 0.3 else random.choice(STATES)
