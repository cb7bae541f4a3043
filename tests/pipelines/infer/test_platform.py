"""Definitions proposed from the configuration of the platform."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pipelines.infer.platform import write_definitions
from pipelines.settings import Settings
from schemas.load import load_procedures
from tests.support.fake_platform import ORDER_ID, platform_settings

ID = "00000000-0000-4000-8000-0000000001"  # and two digits
STATES = [
    {"id": f"{ID}21", "shortId": "NEW", "name": "New"},
    {"id": f"{ID}22", "shortId": "ACTIVE"},
    {"id": f"{ID}23", "shortId": "WON"},
]
ATTRIBUTES = [
    {"id": f"{ID}11", "shortId": "full_name", "type": "name", "required": True},
    {"id": f"{ID}12", "shortId": "amount", "type": f"{ID}91"},
    {"id": f"{ID}13", "shortId": "source", "type": "stringEnum", "options": ["Web", "Event"]},
    {"id": f"{ID}14", "shortId": "grade", "type": "integerEnum", "options": [{"value": 1}]},
    {"id": f"{ID}15", "shortId": "odd", "type": "hologram"},
    {"id": f"{ID}16", "shortId": "bare", "type": "stringEnum"},
]


def lead(**changes: Any) -> dict[str, Any]:
    """A procedure as the configuration may have it."""
    procedure = {
        "id": f"{ID}01",
        "shortId": "enquiry",
        "entity": f"{ID}02",
        "primaryKey": f"{ID}11",
        "states": STATES,
        "startState": f"{ID}21",
        "completedState": "WON",
        "attributes": [f"{ID}{n}" for n in range(11, 17)],
        "stategraph": {"NEW": [f"{ID}22"], f"{ID}22": ["WON"]},
    }
    return procedure | changes


def config(*procedures: dict[str, Any]) -> dict[str, Any]:
    return {
        "procedures": list(procedures),
        "attributes": ATTRIBUTES,
        "attributeTypes": [{"id": f"{ID}91", "shortId": "decimal"}],
        "derivedAttributes": [
            {"id": f"{ID}31", "shortId": "score", "type": "integer", "procedure": f"{ID}01"},
            {"id": f"{ID}32", "shortId": "foreign", "type": "integer", "procedure": f"{ID}99"},
        ],
    }


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return platform_settings(tmp_path, "https://api.example.com")


def test_a_procedure_becomes_a_definition_that_loads(settings: Settings, tmp_path: Path) -> None:
    folder = tmp_path / "defs"
    said = list(write_definitions(config(lead()), settings, folder))
    assert said == [
        f"enquiry: {folder}/enquiry.yaml has 3 states, 4 attributes, 1 derived attribute; "
        "2 attributes of unknown type left out. Check the kinds of states before a run."
    ]
    (procedure,) = load_procedures(folder)
    assert (procedure.id, procedure.short_id) == (f"{ID}01", "enquiry")
    assert (procedure.entity, procedure.primary_key) == (f"{ID}02", "full_name")
    assert [(s.id[-2:], s.short_id, s.kind) for s in procedure.states] == [
        ("21", "NEW", "queue"),
        ("22", "ACTIVE", "work"),
        ("23", "WON", "done"),
    ]
    assert [(a.short_id, a.type, a.options) for a in procedure.attributes] == [
        ("full_name", "name", ()),
        ("amount", "decimal", ()),
        ("source", "stringEnum", ("Web", "Event")),
        ("grade", "integerEnum", (1,)),
    ]
    assert [a.required for a in procedure.attributes] == [True, False, False, False]
    assert [a.short_id for a in procedure.derived_attributes] == ["score"]
    assert procedure.stategraph == {"NEW": ("ACTIVE",), "ACTIVE": ("WON",), "WON": ()}
    assert list(write_definitions(config(lead()), settings, folder)) == [
        f"enquiry: left out, because {folder}/enquiry.yaml exists."
    ]


def test_states_of_the_whole_configuration_are_found_by_their_procedure(
    settings: Settings, tmp_path: Path
) -> None:
    states = [state | {"procedure": {"id": f"{ID}01"}} for state in STATES]
    whole = config(lead(states=None, stategraph=None)) | {"states": states}
    list(write_definitions(whole, settings, tmp_path / "defs"))
    (procedure,) = load_procedures(tmp_path / "defs")
    assert [state.short_id for state in procedure.states] == ["NEW", "ACTIVE", "WON"]
    assert procedure.stategraph is None


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"states": []}, "the configuration has no states of it with id and shortId"),
        ({"states": [{"id": "x"}]}, "the configuration has no states of it with id and shortId"),
        ({"startState": None}, "does not say its startState and completedState"),
        ({"completedState": "GONE"}, "does not say its startState and completedState"),
        ({"id": "1"}, "because of id: found"),
        ({"shortId": "../up"}, "because of shortId: found"),
    ],
)
def test_what_the_configuration_does_not_say_is_left_out(
    settings: Settings, tmp_path: Path, changes: dict[str, Any], reason: str
) -> None:
    (said,) = write_definitions(config(lead(**changes)), settings, tmp_path / "defs")
    assert "left out, because" in said
    assert reason in said
    assert not (tmp_path / "defs").exists()


def test_what_is_defined_is_not_proposed(settings: Settings, tmp_path: Path) -> None:
    defined = lead(id=ORDER_ID.upper(), shortId="order")
    said = list(write_definitions(config(defined), settings, tmp_path / "defs"))
    assert said == ["order: is defined already."]
    assert list(write_definitions({}, settings, tmp_path)) == [
        "The configuration lists no procedures: nothing to propose."
    ]
