"""Former shortIds and removed states: what a definition may say of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.order_definition import ID, ORDER, load, order, problems_of

SCORE = "shortId: score, type: integer"
ACTIVE = "shortId: ACTIVE, kind: work"


def aliased(*aliases: str) -> tuple[str, str]:
    return SCORE, f"{SCORE}, aliases: [{', '.join(aliases)}]"


def test_an_attribute_has_former_short_ids(tmp_path: Path) -> None:
    definition = load(tmp_path, order(aliased("Score", "points")))
    assert definition.attributes[1].aliases == ("Score", "points")
    assert definition.attributes[0].aliases == ()


@pytest.mark.parametrize(
    ("alias", "owner"),
    [
        ("number", "attributes[number]"),
        ("score", "attributes[score]"),
        (f"{ID}11", "attributes[number]"),
    ],
)
def test_a_former_short_id_means_one_attribute(tmp_path: Path, alias: str, owner: str) -> None:
    assert problems_of(tmp_path, order(aliased("points", alias))) == [
        (
            "attributes[score].aliases[1]",
            f"'{alias}', already a key of {owner}",
            "a key that no attribute has",
        )
    ]


def test_a_derived_attribute_is_read_from_a_document_of_its_own(tmp_path: Path) -> None:
    derived = (
        f"derivedAttributes:\n"
        f"  - {{id: {ID}13, shortId: worth, type: integer, aliases: [score, value]}}\n"
    )
    definition = load(tmp_path, order(aliased("worth", "value")) + derived)
    assert definition.attributes[1].aliases == ("worth", "value")
    assert definition.derived_attributes[0].aliases == ("score", "value")


def test_any_key_of_the_data_can_be_an_alias(tmp_path: Path) -> None:
    definition = load(tmp_path, order(aliased('" points "', '""')))
    assert definition.attributes[1].aliases == (" points ", "")


def test_a_former_short_id_stands_once(tmp_path: Path) -> None:
    assert problems_of(tmp_path, order(aliased("points", "points"))) == [
        (
            "attributes[score].aliases[1]",
            "'points', already a key of attributes[score]",
            "a key that no attribute has",
        )
    ]


def test_a_removed_state_need_not_be_reached(tmp_path: Path) -> None:
    definition = load(
        tmp_path,
        order(
            (ACTIVE, f"{ACTIVE}, removed: true"),
            ("  NEW: [ACTIVE]\n  ACTIVE: [DONE]", "  NEW: [DONE]"),
        ),
    )
    assert [(s.short_id, s.rank, s.removed) for s in definition.states] == [
        ("NEW", 1, False),
        ("ACTIVE", 2, True),
        ("DONE", 3, False),
    ]


def test_a_removed_state_may_stay_in_graph_and_funnels(tmp_path: Path) -> None:
    text = order(
        (ACTIVE, f"{ACTIVE}, removed: true"),
        ("  NEW: [ACTIVE]", "  NEW: [ACTIVE, DONE]"),
        ("steps: [NEW, DONE]", "steps: [NEW, ACTIVE, DONE]"),
    )
    assert load(tmp_path, text).stategraph == {
        "NEW": ("ACTIVE", "DONE"),
        "ACTIVE": ("DONE",),
        "DONE": (),
    }


def test_a_removed_state_leads_nowhere(tmp_path: Path) -> None:
    assert problems_of(tmp_path, order((ACTIVE, f"{ACTIVE}, removed: true"))) == [
        (
            "states[DONE]",
            "no way in the stategraph from the start state NEW",
            "a state that can be reached from NEW without removed states, or `removed: true` "
            "here too",
        )
    ]


@pytest.mark.parametrize("key", ["startState", "completedState"])
def test_processes_neither_start_nor_end_in_a_removed_state(tmp_path: Path, key: str) -> None:
    text = ORDER.replace(ACTIVE, f"{ACTIVE}, removed: true").replace(
        "  NEW: [ACTIVE]", "  NEW: [DONE, ACTIVE]"
    )
    old = {"startState": "startState: NEW", "completedState": "completedState: DONE"}[key]
    text = text.replace(old, f"{key}: ACTIVE")
    text = text.replace("stategraph:\n  NEW: [DONE, ACTIVE]\n  ACTIVE: [DONE]\n", "")
    assert problems_of(tmp_path, text) == [
        (key, "ACTIVE, which is removed", "a state that is not removed")
    ]
