"""What is proposed to somebody who wrote an unknown name."""

from __future__ import annotations

from pathlib import Path

import pytest

from schemas.nearest import did_you_mean, nearest
from tests.support.order_definition import ID, order, problems_of

MANY = [f"column_{n}" for n in range(40)]


@pytest.mark.parametrize(
    ("written", "close"),
    [
        ("STAGE", ["stage"]),
        ("stge", ["stage", "state"]),
        ("colour", []),
        ("int", ["integer"]),
        ("", []),
        (True, []),
    ],
)
def test_the_nearest_names(written: object, close: list[str]) -> None:
    assert nearest(written, ["state", "stage", "integer"], {"int": "integer"}) == close


def test_all_names_follow_only_where_they_are_few() -> None:
    assert did_you_mean("stat", ["state", "owner"]) == "did you mean `state`? (state, owner)"
    assert did_you_mean("budgett", [*MANY, "budget"]) == "did you mean `budget`?"
    assert did_you_mean("zzz", MANY) is None


def test_a_long_list_stands_once_in_a_file_at_its_first_line(tmp_path: Path) -> None:
    text = order(("type: stringId", "type: xyzzy"), ("type: integer", "type: qqqq"))
    (_, _, first), (_, _, second) = problems_of(tmp_path, text)
    assert first.startswith("one of string, text, ")
    assert second == "the same as in line 5"


def test_an_unknown_name_of_a_formula_does_not_bring_up_the_attribute_itself(
    tmp_path: Path,
) -> None:
    derived = f"derivedAttributes: [{{id: {ID}41, shortId: scorer, type: float, formula: F}}]\n"
    text = derived + order()
    assert problems_of(tmp_path, text.replace("formula: F", "formula: scored * 2")) == [
        ("derivedAttributes[scorer].formula", "unknown name `scored`", "did you mean `score`?")
    ]
    ((_, found, _),) = problems_of(tmp_path, text.replace("formula: F", "formula: scorer * 2"))
    assert found == "a circle: order.scorer > order.scorer"
