"""Types whose values take several columns: the columns are told apart, and computed ones refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from schemas.definitions.attribute_types import BY_NAME
from tests.support.order_definition import ID, load, order, problems_of

PLACE = f"  - {{id: {ID}13, shortId: place, type: geolocation}}\n"
SCORE = f"  - {{id: {ID}12, shortId: score, type: integer}}\n"


def with_place(short_id: str = "score") -> str:
    return order((SCORE, PLACE + SCORE.replace("score", short_id)))


def test_a_type_has_one_column_or_one_a_part() -> None:
    assert BY_NAME["integer"].columns("x") == {"x": "BIGINT"}
    assert BY_NAME["googleAddress"].columns("x") == {"x": BY_NAME["googleAddress"].sql_type}
    assert BY_NAME["geolocation"].columns("x") == {"x_lat": "DOUBLE", "x_lng": "DOUBLE"}


def test_a_place_may_stand_beside_others(tmp_path: Path) -> None:
    assert load(tmp_path, with_place()).attributes[1].type == "geolocation"


@pytest.mark.parametrize("short_id", ["place_lat", "PLACE_LNG"])
def test_no_attribute_may_take_a_column_of_a_place(tmp_path: Path, short_id: str) -> None:
    ((key, found, _),) = problems_of(tmp_path, with_place(short_id))
    assert key == f"attributes[{short_id}].shortId"
    assert found == f"'{short_id}', whose column {short_id} is that of attributes[place]"


def test_an_attribute_beside_a_place_gets_another_column(tmp_path: Path) -> None:
    attributes = load(tmp_path, with_place("place-lng")).attributes
    assert [a.column for a in attributes if a.short_id != "number"] == ["place", "place_lng_025917"]


@pytest.mark.parametrize("computed", ["formula: number", "script: 'a.py:f', reads: [number]"])
def test_a_place_cannot_be_computed(tmp_path: Path, computed: str) -> None:
    derived = (
        f"derivedAttributes:\n  - {{id: {ID}14, shortId: spot, type: geolocation, {computed}}}\n"
    )
    assert problems_of(tmp_path, order(("states:\n", derived + "states:\n"))) == [
        (
            "derivedAttributes[spot].type",
            "geolocation, which takes several columns, on a computed attribute",
            "a type of one column",
        )
    ]


def test_a_place_the_platform_supplies_is_in_order(tmp_path: Path) -> None:
    derived = f"derivedAttributes:\n  - {{id: {ID}14, shortId: spot, type: geolocation}}\n"
    (spot,) = load(tmp_path, order(("states:\n", derived + "states:\n"))).derived_attributes
    assert spot.type == "geolocation"
