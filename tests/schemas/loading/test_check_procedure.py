"""The exact problems of definitions whose parts do not fit each other.

Keys and values of a single part do not belong here.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from tests.support.order_definition import (
    ATTRIBUTE,
    ID,
    MEANT_DONE,
    MEANT_NEW,
    ORDER,
    PLAIN_OPTION,
    STATE,
    load,
    order,
    problems_of,
)

# Names used twice


def test_ids_and_short_ids_used_twice(tmp_path: Path) -> None:
    text = order(
        (f"{ID}12, shortId: score", f"{ID}11, shortId: Number"),
        (f"{ID}23", f"{ID}21"),
        ("shortId: ACTIVE", "shortId: New"),
        ("  NEW: [ACTIVE]\n  ACTIVE: [DONE]", "  NEW: [New]\n  New: [DONE]"),
    )
    once, again = "used once", "(case is ignored)"
    assert problems_of(tmp_path, text) == [
        (
            "attributes[Number].id",
            f"'{ID}11', already the id of attributes[number] {again}",
            f"an id {once}",
        ),
        (
            "attributes[Number].shortId",
            f"'Number', already the shortId of attributes[number] {again}",
            f"a shortId {once}",
        ),
        (
            "states[New].shortId",
            f"'New', already the shortId of states[NEW] {again}",
            f"a shortId {once}",
        ),
        ("states[DONE].id", f"'{ID}21', already the id of states[NEW] {again}", f"an id {once}"),
    ]


def test_attributes_and_derived_attributes_share_their_names(tmp_path: Path) -> None:
    derived = f"derivedAttributes: [{{id: {ID}12, shortId: score, type: text}}]\n"
    again = "of attributes[score] (case is ignored)"
    assert problems_of(tmp_path, ORDER + derived) == [
        ("derivedAttributes[score].id", f"'{ID}12', already the id {again}", "an id used once"),
        (
            "derivedAttributes[score].shortId",
            f"'score', already the shortId {again}",
            "a shortId used once",
        ),
    ]


def test_an_attribute_may_be_called_like_a_state(tmp_path: Path) -> None:
    assert load(tmp_path, order(("shortId: score", "shortId: NEW"))).attributes[1].column == "NEW"


def test_entries_with_the_same_short_id_go_by_position(tmp_path: Path) -> None:
    assert problems_of(tmp_path, order(("shortId: score", "shortId: number"))) == [
        (
            "attributes[1].shortId",
            "'number', already the shortId of attributes[0] (case is ignored)",
            "a shortId used once",
        )
    ]


@pytest.mark.parametrize(
    ("first", "second", "columns"),
    [
        ("a-b", "A b", ["a_b_d44362", "A_b_a760b0"]),
        ("2x", "_2x", ["_2x_b595b2", "_2x"]),
        ("attr_status", "status", ["attr_status", "attr_status_073c16"]),
        ('"€"', '"%"', ["__c4cc90", "__bbf3f1"]),
        ("größe", "grösse", ["größe", "grösse"]),
        ("日本", "中国", ["日本", "中国"]),
    ],
)
def test_two_attributes_that_would_share_a_column_have_one_each(
    tmp_path: Path, first: str, second: str, columns: list[str]
) -> None:
    def columns_of(one: str, other: str) -> list[str]:
        text = order(
            ("shortId: number", f"shortId: {one}"),
            ("shortId: score", f"shortId: {other}"),
            ("primaryKey: number\n", ""),
        )
        return [attribute.column for attribute in load(tmp_path, text).attributes]

    assert columns_of(first, second) == columns
    assert columns_of(second, first) == columns[::-1]


def test_a_reserved_column_is_accepted(tmp_path: Path) -> None:
    text = order(("shortId: score", "shortId: status"))
    assert load(tmp_path, text).attributes[1].column == "attr_status"


# Options


@pytest.mark.parametrize(
    ("declared", "place", "found", "allowed"),
    [
        ("stringEnum", "", "no options", "at least one, as the type is stringEnum"),
        (
            "multiFloatEnum, options: []",
            "",
            "no options",
            "at least one, as the type is multiFloatEnum",
        ),
        (
            "integer, options: [1]",
            "",
            "options on an attribute of type integer",
            "only on stringEnum, integerEnum, floatEnum, multiStringEnum, multiIntegerEnum, "
            "multiFloatEnum",
        ),
        ("stringEnum, options: a", "", "'a'", "a list"),
        (
            "stringEnum, options: [a, 1]",
            "[1]",
            "1",
            "text (in quotes where it looks like something else)",
        ),
        ("integerEnum, options: [1, one]", "[1]", "'one'", "a whole number"),
        ("multiIntegerEnum, options: [1, 2.0]", "[1]", "2.0", "a whole number"),
        ("floatEnum, options: [1, '2']", "[1]", "'2'", "a number"),
        ("floatEnum, options: [1e999]", "[0]", "a very large number", "a number"),
        ("multiStringEnum, options: [a, b, a]", "[2]", "'a' again", "each option once"),
        ("floatEnum, options: [1, 1.0]", "[1]", "1.0 again", "each option once"),
        ("integerEnum, options: [1, true]", "[1]", "true", PLAIN_OPTION),
        ("stringEnum, options: [null]", "[0]", "nothing", PLAIN_OPTION),
        ("stringEnum, options: [{name: a}]", "[0]", "a mapping", PLAIN_OPTION),
        ("integerEnum, options: [9223372036854775808]", "[0]", "9223372036854775808", PLAIN_OPTION),
    ],
)
@pytest.mark.parametrize("section", ["attributes", "derivedAttributes"])
def test_bad_options(
    tmp_path: Path, section: str, declared: str, place: str, found: str, allowed: str
) -> None:
    text = f"{ORDER}derivedAttributes:\n  - {{id: {ID}13, shortId: d, type: {declared}}}\n"
    if section == "attributes":
        text = order(("shortId: score, type: integer", f"shortId: d, type: {declared}"))
    assert problems_of(tmp_path, text) == [(f"{section}[d].options{place}", found, allowed)]


def test_options_are_plain_values(tmp_path: Path) -> None:
    text = order(("type: integer", "type: integer, options: []"))
    assert load(tmp_path, text).attributes[1].options == ()
    text = order(("type: integer", "type: floatEnum, options: [1, 2.5]"))
    options = load(tmp_path, text).attributes[1].options
    assert options == (1.0, 2.5)
    assert [type(option) for option in options] == [float, float]


# States, transitions, funnels


def test_no_states_is_one_problem(tmp_path: Path) -> None:
    start, end = ORDER.index("states:"), ORDER.index("startState:")
    assert problems_of(tmp_path, ORDER[:start] + "states: []\n" + ORDER[end:]) == [
        ("states", "an empty list", "at least one state")
    ]


def test_references_to_nothing(tmp_path: Path) -> None:
    text = order(
        ("startState: NEW", "startState: new"),
        ("completedState: DONE", f"completedState: {ID}99"),
        ("primaryKey: number", "primaryKey: DONE\nprimaryIdentifier: nummer"),
    )
    assert problems_of(tmp_path, text) == [
        ("startState", "'new', which is not a declared state", MEANT_NEW),
        ("completedState", f"'{ID}99', which is not a declared state", STATE),
        ("primaryKey", "'DONE', which is not a declared attribute", ATTRIBUTE),
        (
            "primaryIdentifier",
            "'nummer', which is not a declared attribute",
            "did you mean `number`? (number, score)",
        ),
    ]


def test_a_primary_key_needs_attributes(tmp_path: Path) -> None:
    start, end = ORDER.index("attributes:"), ORDER.index("states:")
    assert problems_of(tmp_path, ORDER[:start] + ORDER[end:]) == [
        (
            "primaryKey",
            "'number', which is not a declared attribute",
            "the shortId or id of a declared attribute (none is declared)",
        )
    ]


def test_transitions_of_and_to_unknown_states(tmp_path: Path) -> None:
    text = order(
        ("  NEW: [ACTIVE]", "  NOW: [ACTIVE]"), ("  ACTIVE: [DONE]", "  ACTIVE: [DONE, GONE]")
    )
    # States that nobody leads to are not named while others are misspelt.
    assert problems_of(tmp_path, text) == [
        ("stategraph.NOW", "'NOW', which is not a declared state", MEANT_NEW),
        ("stategraph.ACTIVE[1]", "'GONE', which is not a declared state", MEANT_DONE),
    ]


def test_states_named_twice(tmp_path: Path) -> None:
    text = order(
        ("  NEW: [ACTIVE]", f"  NEW: [ACTIVE, {ID}22]\n  {ID}21: [DONE]"),
        ("steps: [NEW, DONE]", f"steps: [NEW, [DONE, DONE], {{name: x, states: [NEW, {ID}21]}}]"),
    )
    assert problems_of(tmp_path, text) == [
        ("stategraph.NEW[1]", f"'{ID}22' again", "each state once"),
        (f"stategraph.{ID}21", "state NEW again", "each state once"),
        ("funnels[all].steps[1][1]", "'DONE' again", "each state once"),
        ("funnels[all].steps[2].states[1]", f"'{ID}21' again", "each state once"),
    ]


@pytest.mark.parametrize(
    ("graph", "unreached"),
    [
        ("{NEW: [ACTIVE]}", ["DONE"]),
        ("{NEW: [NEW], ACTIVE: [DONE], DONE: [ACTIVE]}", ["ACTIVE", "DONE"]),
        ("{}", ["ACTIVE", "DONE"]),
    ],
)
def test_states_that_cannot_be_reached(tmp_path: Path, graph: str, unreached: list[str]) -> None:
    written = "stategraph:\n  NEW: [ACTIVE]\n  ACTIVE: [DONE]\n"
    assert problems_of(tmp_path, order((written, f"stategraph: {graph}\n"))) == [
        (
            f"states[{state}]",
            "no way in the stategraph from the start state NEW",
            "a state that can be reached from NEW",
        )
        for state in unreached
    ]


def test_funnel_steps_that_do_not_exist(tmp_path: Path) -> None:
    steps = "steps: [NOW, [NEW, OLD], {name: x, states: [GONE]}, '']"
    assert problems_of(tmp_path, order(("steps: [NEW, DONE]", steps))) == [
        ("funnels[all].steps[0]", "'NOW', which is not a declared state", MEANT_NEW),
        ("funnels[all].steps[1][1]", "'OLD', which is not a declared state", STATE),
        ("funnels[all].steps[2].states[0]", "'GONE', which is not a declared state", MEANT_DONE),
        ("funnels[all].steps[3]", "'', which is not a declared state", STATE),
    ]


def test_funnels_and_steps_without_content(tmp_path: Path) -> None:
    steps = "steps: []}\n  - {name: other, steps: [[], {name: x, states: []}]"
    assert problems_of(tmp_path, order(("steps: [NEW, DONE]", steps))) == [
        ("funnels[all].steps", "an empty list", "at least one step"),
        ("funnels[other].steps[0]", "an empty list", "at least one state"),
        ("funnels[other].steps[1].states", "an empty list", "at least one state"),
    ]


def test_steps_are_of_states_or_of_an_outcome(tmp_path: Path) -> None:
    steps = "steps: [NEW, {name: x}, {states: [ACTIVE], outcome: completed}, {outcome: gone}, DONE]"
    either = "states, or an outcome, and not both"
    assert problems_of(tmp_path, order(("steps: [NEW, DONE]", steps))) == [
        ("funnels[all].steps[1]", "a mapping", either),
        ("funnels[all].steps[2]", "a mapping", either),
        ("funnels[all].steps[3].outcome", "'gone'", "one of completed, cancelled"),
    ]


def test_the_first_and_the_last_step_cannot_be_optional(tmp_path: Path) -> None:
    steps = (
        "steps: [{states: [NEW], optional: true}, {states: [ACTIVE], optional: true}, "
        "{states: [DONE], optional: true}]"
    )
    between = "steps between the first and the last"
    assert problems_of(tmp_path, order(("steps: [NEW, DONE]", steps))) == [
        ("funnels[all].steps[0].optional", "the first step", between),
        ("funnels[all].steps[2].optional", "the last step", between),
    ]


def test_what_funnels_exclude_and_are_broken_down_by(tmp_path: Path) -> None:
    more = (
        f"steps: [NEW, DONE], exclude: [GONE, ACTIVE, {ID}22, DONE], "
        "breakdowns: [score, {attribute: score}, {attribute: score, at: now}, colour]"
    )
    assert problems_of(tmp_path, order(("steps: [NEW, DONE]", more))) == [
        ("funnels[all].exclude[0]", "'GONE', which is not a declared state", MEANT_DONE),
        ("funnels[all].exclude[2]", f"'{ID}22' again", "each state once"),
        ("funnels[all].exclude[3]", "'DONE', which is in a step", "states that are in no step"),
        ("funnels[all].breakdowns[1].attribute", "'score' again", "each attribute once"),
        ("funnels[all].breakdowns[3]", "'colour', which is not a declared attribute", ATTRIBUTE),
    ]


def test_conditions_of_steps_are_formulas_over_attributes(tmp_path: Path) -> None:
    steps = "steps: [NEW, {states: [ACTIVE], where: scor > 3}, {states: [DONE], where: score}]"
    found = problems_of(tmp_path, order(("steps: [NEW, DONE]", steps)))
    assert [key for key, *_ in found] == [
        "funnels[all].steps[1].where",
        "funnels[all].steps[2].where",
    ]
    assert "scor" in found[0][1]
    assert found[1][1] == "a formula that gives BIGINT"


def test_the_day_since_when_all_is_observed(tmp_path: Path) -> None:
    text = order(("primaryKey: number", "primaryKey: number\nobservedSince: 2026-03-31"))
    assert load(tmp_path, text).observed_since == date(2026, 3, 31)
    for wrong in ("2026-02-30", "31.03.2026", "2026-03-31T12:00", "20260331", "no"):
        bad = text.replace("2026-03-31", wrong)
        found = repr(int(wrong)) if wrong.isdigit() else repr(wrong)
        assert problems_of(tmp_path, bad) == [("observedSince", found, "a date such as 2026-03-31")]


@pytest.mark.parametrize("probability", ["0", "0.25", "1"])
def test_the_probability_of_a_state(tmp_path: Path, probability: str) -> None:
    (_, active, done) = load(
        tmp_path, order(("kind: work", f"kind: work, probability: {probability}"))
    ).states
    assert (active.probability, active.rank, done.probability) == (float(probability), 2, None)


@pytest.mark.parametrize(
    ("written", "found"),
    [("1.01", "1.01"), ("-0.1", "-0.1"), ("25%", "'25%'"), ("true", "true"), ("'1'", "'1'")],
)
def test_a_probability_is_from_0_to_1(tmp_path: Path, written: str, found: str) -> None:
    text = order(("kind: work", f"kind: work, probability: {written}"))
    allowed = "a number from 0 to 1, such as 0.25"
    assert problems_of(tmp_path, text) == [("states[ACTIVE].probability", found, allowed)]


def test_attributes_to_compare_by(tmp_path: Path) -> None:
    text = order(("primaryKey: number", f"primaryKey: number\ncompareBy: [score, {ID}12, colour]"))
    assert problems_of(tmp_path, text) == [
        ("compareBy[1]", f"'{ID}12' again", "each attribute once"),
        ("compareBy[2]", "'colour', which is not a declared attribute", ATTRIBUTE),
    ]


def test_funnel_names_used_twice(tmp_path: Path) -> None:
    text = ORDER + "  - {name: all, steps: [NEW]}\n"
    assert problems_of(tmp_path, text) == [
        ("funnels[1].name", "'all' again", "each funnel name once")
    ]


def test_a_wrong_value_does_not_hide_the_rules_between_parts(tmp_path: Path) -> None:
    text = order(
        ("kind: work", "kind: busy"),
        ("type: integer", "type: integer, colour: red"),
        ("completedState: DONE", "completedState: OVER"),
        ("within: 7d", "within: soon"),
    )
    assert [key for key, _, _ in problems_of(tmp_path, text)] == [
        "completedState",
        "attributes[score].colour",
        "states[ACTIVE].kind",
        "funnels[all].within",
    ]
