"""The exact problems of keys and values that a part of a definition must not have.

Rules between parts do not belong here.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from schemas.definitions.attribute_types import ATTRIBUTE_TYPES
from tests.support.order_definition import (
    ATTRIBUTE_KEYS,
    DURATION,
    ID,
    LABEL,
    ORDER,
    STATE,
    TEXT,
    UUID,
    load,
    order,
    problems_of,
)


def test_unknown_keys_everywhere(tmp_path: Path) -> None:
    text = order(
        ("shortId: order", "shortId: order\nslos: []\nstart_state: NEW"),
        ("type: stringId", "type: stringId, formula: a"),
        ("kind: queue", "kind: queue, rank: 3"),
        ("within: 7d", "mode: strict"),
        ("steps: [NEW,", "steps: [{name: New, states: [NEW], when: x},"),
    )
    funnel_keys = "the keys name, steps, within, exclude, entry, breakdowns"
    assert sorted(problems_of(tmp_path, text)) == [
        ("attributes[number].formula", "an unknown key", f"the keys {ATTRIBUTE_KEYS}"),
        ("funnels[all].mode", "an unknown key", funnel_keys),
        (
            "funnels[all].steps[0].when",
            "an unknown key",
            "did you mean `where` or `within`? "
            "(name, states, outcome, where, optional, within, minGap)",
        ),
        ("slos", "an unknown key", "did you mean `slas`?"),
        ("start_state", "an unknown key", "did you mean `startState`?"),
        (
            "states[NEW].rank",
            "an unknown key",
            "the keys id, shortId, name, kind, removed, probability",
        ),
    ]


def test_python_names_are_not_keys(tmp_path: Path) -> None:
    assert problems_of(tmp_path, order(("startState: NEW", "start_state: NEW"))) == [
        ("start_state", "an unknown key", "did you mean `startState`?"),
    ]


def test_derived_attributes_have_fewer_keys(tmp_path: Path) -> None:
    derived = f"derivedAttributes: [{{id: {ID}13, shortId: d, type: text, required: true}}]\n"
    assert problems_of(tmp_path, ORDER + derived) == [
        (
            "derivedAttributes[d].required",
            "an unknown key",
            "the keys id, shortId, name, type, options, personal, publish, aliases, formula, rollup, "
            "script, reads",
        )
    ]


def test_missing_keys_everywhere(tmp_path: Path) -> None:
    text = "attributes: [{}]\nfunnels: [{}, {name: f, steps: [{}]}]\nstates: [{}]\n"
    uuid, kinds = f"a uuid, {UUID[7:]}", "queue, work, waiting_customer, waiting_other, done"
    state = "the shortId or id of a state"
    assert problems_of(tmp_path, text) == [
        ("id", "nothing", uuid),
        ("shortId", "nothing", TEXT),
        ("attributes[0].id", "nothing", uuid),
        ("attributes[0].shortId", "nothing", TEXT),
        ("attributes[0].type", "nothing", "the type of the attribute"),
        ("states[0].id", "nothing", uuid),
        ("states[0].shortId", "nothing", TEXT),
        ("states[0].kind", "nothing", f"one of {kinds}"),
        ("startState", "nothing", state),
        ("completedState", "nothing", state),
        ("funnels[0].name", "nothing", TEXT),
        ("funnels[0].steps", "nothing", "a list of steps"),
        ("funnels[f].steps[0].name", "nothing", TEXT),
    ]
    missing = problems_of(tmp_path, "id: x\n")
    assert ("states", "nothing", "a list of states") in missing


@pytest.mark.parametrize(
    ("old", "new", "key", "found", "allowed"),
    [
        ("shortId: score", "shortId: true", "attributes[1].shortId", "true", TEXT),
        ("shortId: score", "shortId: 12", "attributes[1].shortId", "12", TEXT),
        ("shortId: score", "shortId: ' score'", "attributes[ score].shortId", "' score'", LABEL),
        ("shortId: score", "shortId: ''", "attributes[1].shortId", "''", LABEL),
        ("shortId: score", "shortId: score, name: ''", "attributes[score].name", "''", LABEL),
        ("shortId: score", "shortId: score, name: 5", "attributes[score].name", "5", TEXT),
        (f"{ID}12", "12", "attributes[score].id", "12", TEXT),
        (f"{ID}12", "{}", "attributes[score].id", "a mapping", TEXT),
        (f"{ID}12", "twelve", "attributes[score].id", "'twelve'", UUID),
        (f"{ID}12", f"'{ID}12 '", "attributes[score].id", f"'{ID}12 '", UUID),
        (f"{ID}12", f"'{{{ID}12}}'", "attributes[score].id", f"'{{{ID}12}}'", UUID),
        ("primaryKey", "entity: acme\nprimaryKey", "entity", "'acme'", UUID),
        ("primaryKey: number", "primaryKey: 5", "primaryKey", "5", TEXT),
        ("startState: NEW", "startState: [NEW]", "startState", "a list", TEXT),
        ("primaryKey", "track: some\nprimaryKey", "track", "'some'", "'all'"),
        (
            "type: integer",
            "type: integer, track: 1",
            "attributes[score].track",
            "1",
            "true or false",
        ),
        (
            "type: integer",
            "type: integer, required: yes",
            "attributes[score].required",
            "'yes'",
            "true or false",
        ),
        (
            "type: integer",
            "type: integer, unique: null",
            "attributes[score].unique",
            "nothing",
            "true or false",
        ),
        (
            "type: integer",
            "type: integer, personal: yes",
            "attributes[score].personal",
            "'yes'",
            "one of no, indirect, direct",
        ),
        ("primaryKey", "strict: 'true'\nprimaryKey", "strict", "'true'", "true or false"),
        (
            "type: integer",
            "type: Integer",
            "attributes[score].type",
            "'Integer'",
            "did you mean `integer`? (schemas/docs/attribute_types.md lists all)",
        ),
        (
            "type: integer",
            "type: int",
            "attributes[score].type",
            "'int'",
            "did you mean `integer`? (schemas/docs/attribute_types.md lists all)",
        ),
        (
            "type: integer",
            "type: xyzzy",
            "attributes[score].type",
            "'xyzzy'",
            f"one of {', '.join(ATTRIBUTE_TYPES)}",
        ),
        (
            "kind: work",
            "kind: waiting",
            "states[ACTIVE].kind",
            "'waiting'",
            "one of queue, work, waiting_customer, waiting_other, done",
        ),
        (
            "primaryKey",
            "derivedAttributes: null\nprimaryKey",
            "derivedAttributes",
            "nothing",
            "a list",
        ),
        ("steps: [NEW, DONE]", "steps: NEW", "funnels[all].steps", "'NEW'", "a list"),
        (
            "steps: [NEW, DONE]",
            "steps: [NEW, 5]",
            "funnels[all].steps[1]",
            "5",
            "a mapping with the keys name, states, outcome, where, optional, within, minGap",
        ),
        ("steps: [NEW, DONE]", "steps: [NEW, [5]]", "funnels[all].steps[1][0]", "5", TEXT),
        ("  NEW: [ACTIVE]", "  NEW: ACTIVE", "stategraph.NEW", "'ACTIVE'", "a list"),
        ("  NEW: [ACTIVE]", "  NEW: [ACTIVE, 7]", "stategraph.NEW[1]", "7", TEXT),
        (
            "stategraph:\n  NEW: [ACTIVE]\n  ACTIVE: [DONE]\n",
            "stategraph: [NEW, ACTIVE]\n",
            "stategraph",
            "a list",
            "a mapping of states to lists of states",
        ),
        (
            "shortId: order",
            "shortId: my-order",
            "shortId",
            "'my-order'",
            "letters, digits and _, not starting with a digit: it names a table",
        ),
        (
            "shortId: order",
            "shortId: 2nd",
            "shortId",
            "'2nd'",
            "letters, digits and _, not starting with a digit: it names a table",
        ),
    ],
)
def test_a_value_of_the_wrong_kind(
    tmp_path: Path, old: str, new: str, key: str, found: str, allowed: str
) -> None:
    assert problems_of(tmp_path, order((old, new))) == [(key, found, allowed)]


def test_entries_that_are_not_mappings(tmp_path: Path) -> None:
    text = order(("attributes:\n", "attributes:\n  - number\n"))
    assert problems_of(tmp_path, text) == [
        ("attributes[0]", "'number'", f"a mapping with the keys {ATTRIBUTE_KEYS}")
    ]


def test_a_key_that_is_not_text(tmp_path: Path) -> None:
    assert problems_of(tmp_path, ORDER + "5: five\n") == [("5", "5", f"a key that is {TEXT}")]
    text = order(("  ACTIVE: [DONE]", "  ACTIVE: [DONE]\n  true: [DONE]"))
    assert problems_of(tmp_path, text) == [
        ("stategraph.True", "true, which is not a declared state", STATE)
    ]


def test_long_values_are_cut_in_messages(tmp_path: Path) -> None:
    text = order(("startState: NEW", f"startState: {'N' * 100}"))
    assert problems_of(tmp_path, text) == [
        ("startState", f"'{'N' * 60}...', which is not a declared state", STATE)
    ]


@pytest.mark.parametrize("zone", ["Europe/Cairo", "europe/berlin", "localtime", "+02:00", "''"])
def test_unknown_time_zones(tmp_path: Path, zone: str) -> None:
    ((key, found, allowed),) = problems_of(tmp_path, f"{ORDER}timezone: {zone}\n")
    expected = (
        "timezone",
        f"'{zone.strip(chr(39))}'",
        "an IANA time zone such as Europe/Berlin or UTC",
    )
    assert (key, found, allowed) == expected


def test_a_duration_is_at_most_a_century(tmp_path: Path) -> None:
    assert load(tmp_path, order(("within: 7d", "within: 36600d"))).funnels[0].within == timedelta(
        days=36_600
    )
    for within in ("36601d", "99999999w"):
        assert problems_of(tmp_path, order(("within: 7d", f"within: {within}"))) == [
            ("funnels[all].within", f"'{within}'", "at most 100 years (36600d)")
        ]


@pytest.mark.parametrize(
    "within", ["7", "7 d", "0d", "-1d", "1.5h", "7D", "P7D", "1d12h", "1000000000w"]
)
def test_bad_durations(tmp_path: Path, within: str) -> None:
    shown = within if within in ("7", "-1") else f"'{within}'"
    assert problems_of(tmp_path, order(("within: 7d", f"within: {within}"))) == [
        ("funnels[all].within", shown, DURATION)
    ]
