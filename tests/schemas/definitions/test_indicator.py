"""Targets of indicators: what can be written, and what is said about mistakes."""

from __future__ import annotations

from typing import Any

import pytest

from schemas.errors import DefinitionError
from schemas.loading.check_procedure import check_procedure
from tests.support.jobs import JOB

QUICK = {"name": "quick", "start": "created", "stop": "completed", "target": "12h"}


def checked(*indicators: Any) -> Any:
    document = JOB | {"slas": [QUICK], "indicators": list(indicators)}
    return check_procedure(document, file="job.yaml").indicators


@pytest.mark.parametrize(
    ("name", "target", "expected"),
    [
        ("open", 0, 0.0),
        ("arrivals", 2.5, 2.5),
        ("closed", 40, 40.0),
        ("resolution", "3d", 259_200.0),
        ("resolution", "90s", 90.0),
        ("sla: quick", "95%", 0.95),
        ("sla: quick", "100%", 1.0),
    ],
)
def test_a_target_is_a_number_a_duration_or_a_share(
    name: str, target: object, expected: float
) -> None:
    (indicator,) = checked({"name": name, "target": target, "better": "higher"})
    assert (indicator.name, indicator.target, indicator.better) == (name, expected, "higher")


@pytest.mark.parametrize(
    ("changes", "key", "found", "allowed"),
    [
        ({"name": "close"}, "name", "'close', which is no indicator", "did you mean"),
        ({"name": "sla: slow"}, "name", "'sla: slow', which is no indicator", "sla: quick"),
        ({"name": "zzz"}, "name", "'zzz', which is no indicator", "arrivals, closed, completed"),
        ({"target": "3d"}, "target", "'3d'", "a number of processes"),
        ({"target": True}, "target", "true", "a number from 0 on"),
        ({"target": -1}, "target", "-1", "a number from 0 on"),
        ({"target": float("nan")}, "target", "a very large number", "a number from 0 on"),
        ({"name": "resolution", "target": 3}, "target", "3", "a duration such as 3d"),
        ({"name": "resolution", "target": "3%"}, "target", "'3%'", "a duration such as 3d"),
        ({"name": "resolution", "target": "soon"}, "target", "'soon'", "a whole number and one of"),
        ({"name": "sla: quick", "target": 0.9}, "target", "0.9", "per cent such as 95%"),
        ({"name": "sla: quick", "target": "101%"}, "target", "'101%'", "from 0% to 100%"),
        ({"name": "sla: quick", "target": "x%"}, "target", "'x%'", "from 0% to 100%"),
        ({"better": "more"}, "better", "'more'", "higher"),
    ],
)
def test_a_mistake_is_named(changes: dict[str, Any], key: str, found: str, allowed: str) -> None:
    good = {"name": "closed", "target": 40, "better": "higher"}
    with pytest.raises(DefinitionError) as caught:
        checked(good | changes)
    (problem,) = caught.value.problems
    assert problem.key.endswith(f"].{key}")
    assert (problem.found, allowed in problem.allowed) == (found, True), problem


def test_an_indicator_has_one_target() -> None:
    good = {"name": "closed", "target": 40, "better": "higher"}
    with pytest.raises(DefinitionError, match="each indicator once"):
        checked(good, good)
