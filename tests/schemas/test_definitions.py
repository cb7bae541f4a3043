"""Procedure definitions: what loads, what it becomes, and the exact problems of what does not.

Definitions of the product itself are only loaded here, not tested for what they say.
"""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest
import yaml
from pydantic import ValidationError

from schemas.attribute_types import ATTRIBUTE_TYPES
from schemas.definition_files import load_procedure_files, load_procedures
from schemas.definitions import (
    RESERVED_COLUMNS,
    Attribute,
    DerivedAttribute,
    Funnel,
    FunnelStep,
    Procedure,
    State,
)
from schemas.errors import DefinitionError, Problem

PRODUCT = Path(__file__).parents[2] / "schemas" / "procedures"
ID = "00000000-0000-4000-8000-0000000000"  # and two digits
TEXT = "text (in quotes where it looks like a number or a truth value)"
LABEL = "text that is not empty and has no blanks at its ends"
UUID = "a uuid such as 3024e1d6-7926-5cec-b4b7-0b0ec05ea0e7"
DURATION = "a whole number and one of s, m, h, d, w, such as 90s, 30m, 12h, 7d, 2w"
PLAIN_OPTION = "text (in quotes where it looks like something else) or a number"
ONE_FILE = "at least one .yaml, .yml or .json file"
STATE = "the shortId or id of a declared state (NEW, ACTIVE, DONE)"
ATTRIBUTE = "the shortId or id of a declared attribute (number, score)"
PROCEDURE_KEYS = (
    "id, shortId, name, entity, primaryKey, primaryIdentifier, attributes, derivedAttributes, "
    "states, startState, completedState, stategraph, funnels, timezone, strict"
)
ATTRIBUTE_KEYS = "id, shortId, name, type, options, personal, required, unique, track"

ORDER = f"""\
id: {ID}01
shortId: order
primaryKey: number
attributes:
  - {{id: {ID}11, shortId: number, type: stringId}}
  - {{id: {ID}12, shortId: score, type: integer}}
states:
  - {{id: {ID}21, shortId: NEW, kind: queue}}
  - {{id: {ID}22, shortId: ACTIVE, kind: work}}
  - {{id: {ID}23, shortId: DONE, kind: done}}
startState: NEW
completedState: DONE
stategraph:
  NEW: [ACTIVE]
  ACTIVE: [DONE]
funnels:
  - {{name: all, steps: [NEW, DONE], within: 7d}}
"""


def _order(*replacements: tuple[str, str]) -> str:
    """The definition above with pieces of its text replaced; each must occur once."""
    text = ORDER
    for old, new in replacements:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return text


def _load(folder: Path, text: str, name: str = "order.yaml") -> Procedure:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    (procedure,) = load_procedure_files([path])
    return procedure


def _problems(folder: Path, text: str, name: str = "order.yaml") -> list[tuple[str, str, str]]:
    with pytest.raises(DefinitionError) as raised:
        _load(folder, text, name)
    assert {problem.file for problem in raised.value.problems} == {str(folder / name)}
    return [(p.key, p.found, p.allowed) for p in raised.value.problems]


# What loads


def test_a_definition_becomes_frozen_models(tmp_path: Path) -> None:
    procedure = _load(tmp_path, ORDER)
    assert procedure == Procedure(
        id=f"{ID}01",
        short_id="order",
        name="order",
        primary_key="number",
        attributes=(
            Attribute(id=f"{ID}11", short_id="number", name="number", type="stringId"),
            Attribute(id=f"{ID}12", short_id="score", name="score", type="integer"),
        ),
        states=(
            State(id=f"{ID}21", short_id="NEW", name="NEW", kind="queue"),
            State(id=f"{ID}22", short_id="ACTIVE", name="ACTIVE", kind="work"),
            State(id=f"{ID}23", short_id="DONE", name="DONE", kind="done"),
        ),
        start_state="NEW",
        completed_state="DONE",
        stategraph={"NEW": ("ACTIVE",), "ACTIVE": ("DONE",), "DONE": ()},
        funnels=(
            Funnel(
                name="all",
                steps=(
                    FunnelStep(name="NEW", states=("NEW",)),
                    FunnelStep(name="DONE", states=("DONE",)),
                ),
                within=timedelta(days=7),
            ),
        ),
        timezone="UTC",
        strict=False,
        entity=None,
        primary_identifier=None,
        derived_attributes=(),
    )
    assert [state.rank for state in procedure.states] == [1, 2, 3]
    with pytest.raises(ValidationError):
        procedure.strict = True


def test_the_definitions_of_the_product_load() -> None:
    procedures = load_procedures(PRODUCT)
    assert [procedure.short_id for procedure in procedures] == ["lead", "ticket"]
    assert len(procedures) == 2
    assert procedures.sources == {
        "lead": str(PRODUCT / "lead.yaml"),
        "ticket": str(PRODUCT / "ticket.yaml"),
    }
    lead = procedures.by_short_id["lead"]
    assert procedures.by_id[lead.id] is lead
    assert lead.timezone == "Europe/Berlin"
    assert [d.column for d in lead.derived_attributes] == ["expected_value"]
    in_hand = procedures.by_short_id["ticket"].funnels[1].steps[1]
    assert in_hand == FunnelStep(name="In hand", states=("TRIAGE", "IN_PROGRESS"))


def test_json_means_the_same_as_yaml(tmp_path: Path) -> None:
    as_json = json.dumps(yaml.safe_load(ORDER))
    assert _load(tmp_path, as_json, "order.json") == _load(tmp_path, ORDER)


def test_names_may_be_left_out_or_given(tmp_path: Path) -> None:
    procedure = _load(tmp_path, _order(("shortId: NEW", "shortId: NEW, name: New order")))
    assert [state.name for state in procedure.states] == ["New order", "ACTIVE", "DONE"]


def test_two_states_may_have_one_name(tmp_path: Path) -> None:
    text = _order(("shortId: NEW", "shortId: NEW, name: Open"))
    text = text.replace("shortId: ACTIVE", "shortId: ACTIVE, name: Open")
    assert [state.name for state in _load(tmp_path, text).states] == ["Open", "Open", "DONE"]


def test_references_may_be_ids(tmp_path: Path) -> None:
    text = _order(
        ("startState: NEW", f"startState: {ID}21"),
        ("completedState: DONE", f"completedState: {ID}23"),
        ("  NEW: [ACTIVE]", f"  {ID}21: [{ID}22]"),
        ("  ACTIVE: [DONE]", f"  ACTIVE: [{ID}23]"),
        ("steps: [NEW, DONE]", f"steps: [{ID}21, {ID}23]"),
        ("primaryKey: number", f"primaryKey: {ID}11"),
    )
    assert _load(tmp_path, text) == _load(tmp_path, ORDER)


def test_ids_are_compared_in_lower_case(tmp_path: Path) -> None:
    upper = "ABCDEF00-0000-4000-8000-000000000021"
    text = _order((f"{ID}21", upper), ("startState: NEW", f"startState: {upper.title()}"))
    procedure = _load(tmp_path, text)
    assert procedure.states[0].id == upper.lower()
    assert procedure.start_state == "NEW"


def test_no_stategraph_is_none(tmp_path: Path) -> None:
    text = _order(("stategraph:\n  NEW: [ACTIVE]\n  ACTIVE: [DONE]\n", ""))
    assert _load(tmp_path, text).stategraph is None


@pytest.mark.parametrize(
    ("written", "step"),
    [
        ("ACTIVE", FunnelStep(name="ACTIVE", states=("ACTIVE",))),
        ("[ACTIVE, NEW]", FunnelStep(name="NEW | ACTIVE", states=("NEW", "ACTIVE"))),
        ("{name: Begun, states: [ACTIVE]}", FunnelStep(name="Begun", states=("ACTIVE",))),
    ],
)
def test_the_ways_to_write_a_step(tmp_path: Path, written: str, step: FunnelStep) -> None:
    procedure = _load(tmp_path, _order(("steps: [NEW, DONE]", f"steps: [{written}, DONE]")))
    assert procedure.funnels[0].steps[0] == step


@pytest.mark.parametrize(
    ("written", "within"),
    [
        ("within: 90s", timedelta(seconds=90)),
        ("within: 30m", timedelta(minutes=30)),
        ("within: 12h", timedelta(hours=12)),
        ("within: 7d", timedelta(days=7)),
        ("within: 2w", timedelta(days=14)),
        ("within: null", None),
    ],
)
def test_durations(tmp_path: Path, written: str, within: timedelta | None) -> None:
    assert _load(tmp_path, _order(("within: 7d", written))).funnels[0].within == within


def test_yaml_1_1_surprises_stay_text(tmp_path: Path) -> None:
    text = _order(("type: integer", "type: stringEnum, options: [NO, on, 2024-01-31, 12:30, y]"))
    options = _load(tmp_path, text.replace("NEW", "NO")).attributes[1].options
    assert options == ("NO", "on", "2024-01-31", "12:30", "y")


def test_yaml_numbers_are_those_of_1_2(tmp_path: Path) -> None:
    text = _order(("type: integer", "type: floatEnum, options: [010, 0x10, 1e3, -2.5, 1_0]"))
    # The underscore makes the last one text in YAML 1.2.
    assert _problems(tmp_path, text) == [("attributes[score].options[4]", "'1_0'", "a number")]
    options = _load(tmp_path, text.replace(", 1_0", "")).attributes[1].options
    assert options == (10.0, 16.0, 1000.0, -2.5)


def test_an_anchor_may_be_used_again(tmp_path: Path) -> None:
    text = _order(("NEW: [ACTIVE]", "NEW: &next [ACTIVE, DONE]"), ("ACTIVE: [DONE]", "DONE: *next"))
    text = text.replace("[ACTIVE, DONE]", "[NEW, ACTIVE, DONE]")
    graph = _load(tmp_path, text).stategraph
    assert graph == {"NEW": ("NEW", "ACTIVE", "DONE"), "ACTIVE": (), "DONE": graph["NEW"]}


def test_a_byte_order_mark_is_no_content(tmp_path: Path) -> None:
    assert _load(tmp_path, "\ufeff" + ORDER) == _load(tmp_path, ORDER)


# Models


@pytest.mark.parametrize("type_", ATTRIBUTE_TYPES)
def test_personal_by_type_or_as_declared(type_: str) -> None:
    usual = type_ in {"email", "phone", "name", "username", "otp"}
    attribute = Attribute(id=f"{ID}11", short_id="x", type=type_)
    assert attribute.is_personal is usual
    for declared in (True, False):
        copy = DerivedAttribute(id=f"{ID}11", short_id="x", type=type_, personal=declared)
        assert copy.is_personal is declared


@pytest.mark.parametrize(
    ("short_id", "column"),
    [
        ("score", "score"),
        ("fullName", "fullName"),
        ("e-mail address", "e_mail_address"),
        ("größe", "gr__e"),
        ("2nd", "_2nd"),
        ("status", "attr_status"),
        ("Status", "attr_Status"),
        ("n-visits", "attr_n_visits"),
        ("statuses", "statuses"),
    ],
)
def test_columns(short_id: str, column: str) -> None:
    assert Attribute(id=f"{ID}11", short_id=short_id, type="text").column == column


def test_columns_of_process_and_lifecycle_are_reserved() -> None:
    assert {"process_id", "n_versions", "resolution_seconds", "business_age_seconds"} <= (
        RESERVED_COLUMNS
    )


def test_a_state_keeps_its_rank_in_one_procedure_when_used_in_another(tmp_path: Path) -> None:
    first = _load(tmp_path, ORDER)
    second = Procedure(
        id=f"{ID}02",
        short_id="other",
        states=tuple(reversed(first.states)),
        start_state="DONE",
        completed_state="NEW",
    )
    assert [state.rank for state in first.states] == [1, 2, 3]
    assert [(state.short_id, state.rank) for state in second.states] == [
        ("DONE", 1),
        ("ACTIVE", 2),
        ("NEW", 3),
    ]


# Fingerprint


def _fingerprint(folder: Path, text: str, name: str = "order.yaml") -> str:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return load_procedure_files([path]).fingerprint


@pytest.mark.parametrize(
    "same",
    [
        ("within: 7d", "within: 1w"),
        ("shortId: order", "# a comment\nname: order\nshortId: order"),
        ("  NEW: [ACTIVE]\n  ACTIVE: [DONE]", "  ACTIVE: [DONE]\n  NEW: [ACTIVE]\n  DONE: []"),
        ("steps: [NEW, DONE]", f"steps: [{{name: NEW, states: [{ID}21]}}, DONE]"),
        ("startState: NEW\n", f"startState: {ID}21\ntimezone: UTC\nstrict: false\n"),
    ],
)
def test_the_fingerprint_ignores_how_it_is_written(tmp_path: Path, same: tuple[str, str]) -> None:
    changed = _fingerprint(tmp_path, _order(same), "other.yml")
    assert changed == _fingerprint(tmp_path, ORDER)
    assert len(changed) == 64
    assert set(changed) <= set("0123456789abcdef")


@pytest.mark.parametrize(
    "other",
    [
        ("within: 7d", "within: 8d"),
        ("within: 7d", "within: null"),
        ("shortId: order", "shortId: order2"),
        ("type: integer", "type: number"),
        ("type: integer", "type: integer, track: true"),
        ("type: integer", "type: integer, personal: false"),
        ("kind: work", "kind: queue"),
        ("ACTIVE: [DONE]", "ACTIVE: [DONE, NEW]"),
        ("startState: NEW", "startState: NEW\ntimezone: Asia/Tokyo"),
        ("startState: NEW", "startState: NEW\nstrict: true"),
    ],
)
def test_the_fingerprint_sees_every_change(tmp_path: Path, other: tuple[str, str]) -> None:
    assert _fingerprint(tmp_path, _order(other)) != _fingerprint(tmp_path, ORDER)


def test_the_order_of_states_is_their_rank_and_counts(tmp_path: Path) -> None:
    lines = ORDER.splitlines(keepends=True)
    new = next(line for line in lines if "shortId: NEW" in line)
    active = next(line for line in lines if "shortId: ACTIVE" in line)
    moved = ORDER.replace(new + active, active + new)
    assert _fingerprint(tmp_path, moved) != _fingerprint(tmp_path, ORDER)


def test_the_fingerprint_ignores_the_order_of_files(tmp_path: Path) -> None:
    other = ORDER.replace("shortId: order", "shortId: another").replace(f"{ID}01", f"{ID}02")
    (tmp_path / "a.yaml").write_text(ORDER)
    (tmp_path / "b.yaml").write_text(other)
    paths = [tmp_path / "a.yaml", tmp_path / "b.yaml"]
    forth, back = load_procedure_files(paths), load_procedure_files(paths[::-1])
    assert [p.short_id for p in forth] == [p.short_id for p in back] == ["another", "order"]
    assert forth.fingerprint == back.fingerprint


# Files and folders


def test_a_folder_gives_its_definition_files_only(tmp_path: Path) -> None:
    (tmp_path / "b.YML").write_text(ORDER)
    (tmp_path / "notes.txt").write_text("not a definition")
    (tmp_path / ".b.yml").write_text("not: [a definition")
    (tmp_path / "old.yaml").mkdir()
    assert [procedure.short_id for procedure in load_procedures(tmp_path)] == ["order"]


def test_no_folder_no_file_no_path(tmp_path: Path) -> None:
    missing = tmp_path / "missing"
    for load, expected in (
        (lambda: load_procedures(missing), (str(missing), "(folder)", "no such folder")),
        (lambda: load_procedures(tmp_path), (str(tmp_path), "(folder)", "no procedure files")),
        (lambda: load_procedure_files([]), ("(none)", "(file)", "no procedure files")),
    ):
        with pytest.raises(DefinitionError) as raised:
            load()
        assert raised.value.problems == (Problem(*expected, ONE_FILE),)


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(DefinitionError) as raised:
        load_procedure_files([tmp_path / "gone.yaml"])
    assert raised.value.problems == (
        Problem(
            str(tmp_path / "gone.yaml"), "(file)", "no such file or directory", "a readable file"
        ),
    )


def test_all_problems_of_all_files_at_once(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(
        _order(("kind: work", "kind: busy"), ("type: integer", "t: 1"))
    )
    (tmp_path / "b.yaml").write_text("id: [")
    (tmp_path / "c.json").write_text('{"id": 1, }')
    (tmp_path / "d.yaml").write_text(ORDER)
    with pytest.raises(DefinitionError) as raised:
        load_procedures(tmp_path)
    a, b, c, d = (str(tmp_path / name) for name in ("a.yaml", "b.yaml", "c.json", "d.yaml"))
    assert [(p.file, p.key) for p in raised.value.problems] == [
        (a, "attributes[score].type"),
        (a, "attributes[score].t"),
        (a, "states[ACTIVE].kind"),
        (b, "line 1, column 6"),
        (c, "line 1, column 10"),
        (d, "id"),
        (d, "shortId"),
    ]


def test_procedures_are_unique_over_files_whatever_the_case(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(ORDER)
    (tmp_path / "b.yaml").write_text(_order(("shortId: order", "shortId: Order")))
    with pytest.raises(DefinitionError) as raised:
        load_procedures(tmp_path)
    a, b = str(tmp_path / "a.yaml"), str(tmp_path / "b.yaml")
    owner = f"of the procedure in {a}"
    assert raised.value.problems == (
        Problem(b, "id", f"'{ID}01', already the id {owner}", "an id used once"),
        Problem(b, "shortId", f"'Order', already the shortId {owner}", "a shortId used once"),
    )


# Syntax


@pytest.mark.parametrize(
    ("text", "key", "found"),
    [
        ("a: b\nc: [1, 2\n", "line 3, column 1", "expected ',' or ']', but got '<stream end>'"),
        ("a: b\n---\nc: d\n", "line 2, column 1", "but found another document"),
        ("a: !!python/name:os.system x\n", "line 1, column 4", "the tag !!python/name:os.system"),
        ("a: !!set {b}\n", "line 1, column 4", "the tag !!set"),
        ("a: &a [*a]\n", "line 1, column 4", "an alias that contains itself"),
        ("? [a]\n: b\n", "line 1, column 3", "a key that is a list or a mapping"),
        ("a: " + "[" * 5000, "(file)", "values nested too deeply"),
    ],
)
def test_what_is_no_yaml(tmp_path: Path, text: str, key: str, found: str) -> None:
    assert _problems(tmp_path, text) == [(key, found, "valid YAML")]


@pytest.mark.parametrize(
    ("text", "key", "found"),
    [
        ('{"a": 1\n "b": 2}', "line 2, column 2", "Expecting ',' delimiter"),
        ('{"a": NaN}', "(file)", "NaN, which is no JSON number"),
        ("[" * 100_000, "(file)", "values nested too deeply"),
        ("", "line 1, column 1", "Expecting value"),
    ],
)
def test_what_is_no_json(tmp_path: Path, text: str, key: str, found: str) -> None:
    assert _problems(tmp_path, text, "order.json") == [(key, found, "valid JSON")]


def test_a_control_character_is_no_yaml(tmp_path: Path) -> None:
    ((key, found, allowed),) = _problems(tmp_path, "a: \x01\n")
    assert (key, allowed) == ("(file)", "valid YAML")
    assert "special characters are not allowed" in found


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    path = tmp_path / "order.yaml"
    path.write_bytes(b"id: \xff")
    with pytest.raises(DefinitionError) as raised:
        load_procedure_files([path])
    assert raised.value.problems == (
        Problem(str(path), "(file)", "bytes that are not UTF-8 (at byte 4)", "UTF-8 text"),
    )


@pytest.mark.parametrize(
    ("text", "found"),
    [("", "nothing"), ("- a\n", "a list"), ("some words", "'some words'"), ("5", "5")],
)
def test_a_file_that_is_no_mapping(tmp_path: Path, text: str, found: str) -> None:
    expected = ("(file)", found, f"a mapping with the keys {PROCEDURE_KEYS}")
    assert _problems(tmp_path, text) == [expected]


def test_keys_written_twice(tmp_path: Path) -> None:
    text = _order(
        ("shortId: score, type: integer", "shortId: score, type: integer, type: text"),
        ("  ACTIVE: [DONE]", "  ACTIVE: [DONE]\n  NEW: [DONE]"),
    )
    assert _problems(tmp_path, text + "startState: ACTIVE\n") == [
        ("attributes[score].type", "the same key again in line 6", "each key once"),
        ("stategraph.NEW", "the same key again in line 16", "each key once"),
        ("startState", "the same key again in line 19", "each key once"),
    ]


def test_keys_written_twice_in_json(tmp_path: Path) -> None:
    text = json.dumps(yaml.safe_load(ORDER))
    text = text.replace('"type": "integer"', '"type": "integer", "type": "text"')
    text = text.replace('"kind": "work"', '"kind": "work", "kind": "work"')
    assert _problems(tmp_path, text, "order.json") == [
        ("attributes[score].type", "the same key again", "each key once"),
        ("states[ACTIVE].kind", "the same key again", "each key once"),
    ]


# Keys and types of values


def test_unknown_keys_everywhere(tmp_path: Path) -> None:
    text = _order(
        ("shortId: order", "shortId: order\nslas: []\nstart_state: NEW"),
        ("type: stringId", "type: stringId, formula: a"),
        ("kind: queue", "kind: queue, rank: 3"),
        ("within: 7d", "mode: strict"),
        ("steps: [NEW,", "steps: [{name: New, states: [NEW], where: x},"),
    )
    procedure_keys, funnel_keys = f"the keys {PROCEDURE_KEYS}", "the keys name, steps, within"
    assert sorted(_problems(tmp_path, text)) == [
        ("attributes[number].formula", "an unknown key", f"the keys {ATTRIBUTE_KEYS}"),
        ("funnels[all].mode", "an unknown key", funnel_keys),
        ("funnels[all].steps[0].where", "an unknown key", "the keys name, states"),
        ("slas", "an unknown key", procedure_keys),
        ("start_state", "an unknown key", procedure_keys),
        ("states[NEW].rank", "an unknown key", "the keys id, shortId, name, kind"),
    ]


def test_derived_attributes_have_fewer_keys(tmp_path: Path) -> None:
    derived = f"derivedAttributes: [{{id: {ID}13, shortId: d, type: text, required: true}}]\n"
    assert _problems(tmp_path, ORDER + derived) == [
        (
            "derivedAttributes[d].required",
            "an unknown key",
            "the keys id, shortId, name, type, options, personal",
        )
    ]


def test_missing_keys_everywhere(tmp_path: Path) -> None:
    text = "attributes: [{}]\nfunnels: [{}, {name: f, steps: [{}]}]\nstates: [{}]\n"
    uuid, kinds = f"a uuid, {UUID[7:]}", "queue, work, waiting_customer, waiting_other, done"
    state = "the shortId or id of a state"
    assert _problems(tmp_path, text) == [
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
        ("funnels[f].steps[0].states", "nothing", "a list of states"),
    ]
    missing = _problems(tmp_path, "id: x\n")
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
            "type: integer, personal: no",
            "attributes[score].personal",
            "'no'",
            "true or false",
        ),
        ("primaryKey", "strict: 'true'\nprimaryKey", "strict", "'true'", "true or false"),
        (
            "type: integer",
            "type: Integer",
            "attributes[score].type",
            "'Integer'",
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
            "a mapping with the keys name, states",
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
    assert _problems(tmp_path, _order((old, new))) == [(key, found, allowed)]


def test_entries_that_are_no_mappings(tmp_path: Path) -> None:
    text = _order(("attributes:\n", "attributes:\n  - number\n"))
    assert _problems(tmp_path, text) == [
        ("attributes[0]", "'number'", f"a mapping with the keys {ATTRIBUTE_KEYS}")
    ]


def test_a_key_that_is_no_text(tmp_path: Path) -> None:
    assert _problems(tmp_path, ORDER + "5: five\n") == [("5", "5", f"a key that is {TEXT}")]
    text = _order(("  ACTIVE: [DONE]", "  ACTIVE: [DONE]\n  true: [DONE]"))
    assert _problems(tmp_path, text) == [("stategraph.True", "true, which is no state", STATE)]


def test_long_values_are_cut_in_messages(tmp_path: Path) -> None:
    text = _order(("startState: NEW", f"startState: {'N' * 100}"))
    assert _problems(tmp_path, text) == [
        ("startState", f"'{'N' * 60}...', which is no state", STATE)
    ]


@pytest.mark.parametrize("zone", ["Europe/Cairo", "europe/berlin", "localtime", "+02:00", "''"])
def test_unknown_time_zones(tmp_path: Path, zone: str) -> None:
    ((key, found, allowed),) = _problems(tmp_path, f"{ORDER}timezone: {zone}\n")
    expected = (
        "timezone",
        f"'{zone.strip(chr(39))}'",
        "an IANA time zone such as Europe/Berlin or UTC",
    )
    assert (key, found, allowed) == expected


@pytest.mark.parametrize(
    "within", ["7", "7 d", "0d", "-1d", "1.5h", "7D", "P7D", "1d12h", "1000000000w"]
)
def test_bad_durations(tmp_path: Path, within: str) -> None:
    shown = within if within in ("7", "-1") else f"'{within}'"
    assert _problems(tmp_path, _order(("within: 7d", f"within: {within}"))) == [
        ("funnels[all].within", shown, DURATION)
    ]


# Names used twice


def test_ids_and_short_ids_used_twice(tmp_path: Path) -> None:
    text = _order(
        (f"{ID}12, shortId: score", f"{ID}11, shortId: Number"),
        (f"{ID}23", f"{ID}21"),
        ("shortId: ACTIVE", "shortId: New"),
        ("  NEW: [ACTIVE]\n  ACTIVE: [DONE]", "  NEW: [New]\n  New: [DONE]"),
    )
    once, again = "used once", "(case is ignored)"
    assert _problems(tmp_path, text) == [
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
    assert _problems(tmp_path, ORDER + derived) == [
        ("derivedAttributes[score].id", f"'{ID}12', already the id {again}", "an id used once"),
        (
            "derivedAttributes[score].shortId",
            f"'score', already the shortId {again}",
            "a shortId used once",
        ),
    ]


def test_an_attribute_may_be_called_like_a_state(tmp_path: Path) -> None:
    assert _load(tmp_path, _order(("shortId: score", "shortId: NEW"))).attributes[1].column == "NEW"


def test_entries_with_the_same_short_id_go_by_position(tmp_path: Path) -> None:
    assert _problems(tmp_path, _order(("shortId: score", "shortId: number"))) == [
        (
            "attributes[1].shortId",
            "'number', already the shortId of attributes[0] (case is ignored)",
            "a shortId used once",
        )
    ]


@pytest.mark.parametrize(
    ("first", "second", "column"),
    [("a-b", "A b", "A_b"), ("2x", "_2x", "_2x"), ("status", "attr_status", "attr_status")],
)
def test_two_attributes_for_one_column(
    tmp_path: Path, first: str, second: str, column: str
) -> None:
    text = _order(
        ("shortId: number", f"shortId: {first}"),
        ("shortId: score", f"shortId: {second}"),
        ("primaryKey: number\n", ""),
    )
    assert _problems(tmp_path, text) == [
        (
            f"attributes[{second}].shortId",
            f"'{second}', whose column {column} is that of attributes[{first}]",
            "a shortId with a column of its own",
        )
    ]


def test_a_reserved_column_is_no_problem(tmp_path: Path) -> None:
    text = _order(("shortId: score", "shortId: status"))
    assert _load(tmp_path, text).attributes[1].column == "attr_status"


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
        ("floatEnum, options: [1e999]", "[0]", "inf", "a number"),
        ("multiStringEnum, options: [a, b, a]", "[2]", "'a' again", "each option once"),
        ("floatEnum, options: [1, 1.0]", "[1]", "1.0 again", "each option once"),
        ("integerEnum, options: [1, true]", "[1]", "true", PLAIN_OPTION),
        ("stringEnum, options: [null]", "[0]", "nothing", PLAIN_OPTION),
        ("stringEnum, options: [{name: a}]", "[0]", "a mapping", PLAIN_OPTION),
        ("integerEnum, options: [9223372036854775808]", "[0]", "9223372036854775808", PLAIN_OPTION),
    ],
)
@pytest.mark.parametrize("section", ["attributes", "derivedAttributes"])
def test_bad_options(  # noqa: PLR0913 - one row of the table and the place it is tried in
    tmp_path: Path, section: str, declared: str, place: str, found: str, allowed: str
) -> None:
    text = f"{ORDER}derivedAttributes:\n  - {{id: {ID}13, shortId: d, type: {declared}}}\n"
    if section == "attributes":
        text = _order(("shortId: score, type: integer", f"shortId: d, type: {declared}"))
    assert _problems(tmp_path, text) == [(f"{section}[d].options{place}", found, allowed)]


def test_options_are_plain_values(tmp_path: Path) -> None:
    text = _order(("type: integer", "type: integer, options: []"))
    assert _load(tmp_path, text).attributes[1].options == ()
    text = _order(("type: integer", "type: floatEnum, options: [1, 2.5]"))
    options = _load(tmp_path, text).attributes[1].options
    assert options == (1.0, 2.5)
    assert [type(option) for option in options] == [float, float]


# States, transitions, funnels


def test_no_states_is_one_problem(tmp_path: Path) -> None:
    start, end = ORDER.index("states:"), ORDER.index("startState:")
    assert _problems(tmp_path, ORDER[:start] + "states: []\n" + ORDER[end:]) == [
        ("states", "an empty list", "at least one state")
    ]


def test_references_to_nothing(tmp_path: Path) -> None:
    text = _order(
        ("startState: NEW", "startState: new"),
        ("completedState: DONE", f"completedState: {ID}99"),
        ("primaryKey: number", "primaryKey: DONE\nprimaryIdentifier: nummer"),
    )
    assert _problems(tmp_path, text) == [
        ("startState", "'new', which is no state", STATE),
        ("completedState", f"'{ID}99', which is no state", STATE),
        ("primaryKey", "'DONE', which is no attribute", ATTRIBUTE),
        ("primaryIdentifier", "'nummer', which is no attribute", ATTRIBUTE),
    ]


def test_a_primary_key_needs_attributes(tmp_path: Path) -> None:
    start, end = ORDER.index("attributes:"), ORDER.index("states:")
    assert _problems(tmp_path, ORDER[:start] + ORDER[end:]) == [
        (
            "primaryKey",
            "'number', which is no attribute",
            "the shortId or id of a declared attribute (none is declared)",
        )
    ]


def test_transitions_of_and_to_unknown_states(tmp_path: Path) -> None:
    text = _order(
        ("  NEW: [ACTIVE]", "  NOW: [ACTIVE]"), ("  ACTIVE: [DONE]", "  ACTIVE: [DONE, GONE]")
    )
    # States that nobody leads to are not named while others are misspelt.
    assert _problems(tmp_path, text) == [
        ("stategraph.NOW", "'NOW', which is no state", STATE),
        ("stategraph.ACTIVE[1]", "'GONE', which is no state", STATE),
    ]


def test_states_named_twice(tmp_path: Path) -> None:
    text = _order(
        ("  NEW: [ACTIVE]", f"  NEW: [ACTIVE, {ID}22]\n  {ID}21: [DONE]"),
        ("steps: [NEW, DONE]", f"steps: [NEW, [DONE, DONE], {{name: x, states: [NEW, {ID}21]}}]"),
    )
    assert _problems(tmp_path, text) == [
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
    assert _problems(tmp_path, _order((written, f"stategraph: {graph}\n"))) == [
        (
            f"states[{state}]",
            "no way in the stategraph from the start state NEW",
            "a state that can be reached from NEW",
        )
        for state in unreached
    ]


def test_funnel_steps_that_do_not_exist(tmp_path: Path) -> None:
    steps = "steps: [NOW, [NEW, OLD], {name: x, states: [GONE]}, '']"
    assert _problems(tmp_path, _order(("steps: [NEW, DONE]", steps))) == [
        ("funnels[all].steps[0]", "'NOW', which is no state", STATE),
        ("funnels[all].steps[1][1]", "'OLD', which is no state", STATE),
        ("funnels[all].steps[2].states[0]", "'GONE', which is no state", STATE),
        ("funnels[all].steps[3]", "'', which is no state", STATE),
    ]


def test_funnels_and_steps_without_content(tmp_path: Path) -> None:
    steps = "steps: []}\n  - {name: other, steps: [[], {name: x, states: []}]"
    assert _problems(tmp_path, _order(("steps: [NEW, DONE]", steps))) == [
        ("funnels[all].steps", "an empty list", "at least one step"),
        ("funnels[other].steps[0]", "an empty list", "at least one state"),
        ("funnels[other].steps[1].states", "an empty list", "at least one state"),
    ]


def test_funnel_names_used_twice(tmp_path: Path) -> None:
    text = ORDER + "  - {name: all, steps: [NEW]}\n"
    assert _problems(tmp_path, text) == [
        ("funnels[1].name", "'all' again", "each funnel name once")
    ]


def test_a_wrong_value_does_not_hide_the_rules_between_parts(tmp_path: Path) -> None:
    text = _order(
        ("kind: work", "kind: busy"),
        ("type: integer", "type: integer, colour: red"),
        ("completedState: DONE", "completedState: OVER"),
        ("within: 7d", "within: soon"),
    )
    assert [key for key, _, _ in _problems(tmp_path, text)] == [
        "completedState",
        "attributes[score].colour",
        "states[ACTIVE].kind",
        "funnels[all].within",
    ]
