"""Procedure definitions that load: what they become, and the columns of their attributes.

The problems of those that do not load do not belong here.
"""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest
import yaml
from pydantic import ValidationError

from schemas.definitions.attribute_types import ATTRIBUTE_TYPES
from schemas.definitions.columns import RESERVED_COLUMNS
from schemas.definitions.funnel import Funnel, FunnelStep
from schemas.definitions.procedure import Attribute, DerivedAttribute, Procedure, State
from schemas.load import load_procedures
from tests.support.order_definition import ID, ORDER, load, order, problems_of

PRODUCT = Path(__file__).parents[3] / "schemas" / "procedures"


def test_a_definition_becomes_frozen_models(tmp_path: Path) -> None:
    procedure = load(tmp_path, ORDER)
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
    kinds = {
        d.short_id: "formula" if d.formula else "rollup" if d.rollup else "script"
        for d in lead.derived_attributes
    }
    assert kinds == {
        "expected_value": "formula",
        "is_hot": "formula",
        "company_size_band": "formula",
        "grade": "script",
        "n_tickets": "rollup",
        "open_ticket_effort": "rollup",
    }
    assert [a.column for a in lead.record_attributes] == [
        "record_size",
        "record_industry",
        "record_country",
    ]
    in_hand = procedures.by_short_id["ticket"].funnels[1].steps[1]
    assert in_hand == FunnelStep(name="In hand", states=("TRIAGE", "IN_PROGRESS"))


def test_json_means_the_same_as_yaml(tmp_path: Path) -> None:
    as_json = json.dumps(yaml.safe_load(ORDER))
    assert load(tmp_path, as_json, "order.json") == load(tmp_path, ORDER)


def test_names_may_be_left_out_or_given(tmp_path: Path) -> None:
    procedure = load(tmp_path, order(("shortId: NEW", "shortId: NEW, name: New order")))
    assert [state.name for state in procedure.states] == ["New order", "ACTIVE", "DONE"]


def test_two_states_may_have_one_name(tmp_path: Path) -> None:
    text = order(("shortId: NEW", "shortId: NEW, name: Open"))
    text = text.replace("shortId: ACTIVE", "shortId: ACTIVE, name: Open")
    assert [state.name for state in load(tmp_path, text).states] == ["Open", "Open", "DONE"]


def test_references_may_be_ids(tmp_path: Path) -> None:
    text = order(
        ("startState: NEW", f"startState: {ID}21"),
        ("completedState: DONE", f"completedState: {ID}23"),
        ("  NEW: [ACTIVE]", f"  {ID}21: [{ID}22]"),
        ("  ACTIVE: [DONE]", f"  ACTIVE: [{ID}23]"),
        ("steps: [NEW, DONE]", f"steps: [{ID}21, {ID}23]"),
        ("primaryKey: number", f"primaryKey: {ID}11"),
    )
    assert load(tmp_path, text) == load(tmp_path, ORDER)


def test_ids_are_compared_in_lower_case(tmp_path: Path) -> None:
    upper = "ABCDEF00-0000-4000-8000-000000000021"
    text = order((f"{ID}21", upper), ("startState: NEW", f"startState: {upper.title()}"))
    procedure = load(tmp_path, text)
    assert procedure.states[0].id == upper.lower()
    assert procedure.start_state == "NEW"


def test_no_stategraph_is_none(tmp_path: Path) -> None:
    text = order(("stategraph:\n  NEW: [ACTIVE]\n  ACTIVE: [DONE]\n", ""))
    assert load(tmp_path, text).stategraph is None


@pytest.mark.parametrize(
    ("written", "step"),
    [
        ("ACTIVE", FunnelStep(name="ACTIVE", states=("ACTIVE",))),
        ("[ACTIVE, NEW]", FunnelStep(name="NEW | ACTIVE", states=("NEW", "ACTIVE"))),
        ("{name: Begun, states: [ACTIVE]}", FunnelStep(name="Begun", states=("ACTIVE",))),
    ],
)
def test_the_ways_to_write_a_step(tmp_path: Path, written: str, step: FunnelStep) -> None:
    procedure = load(tmp_path, order(("steps: [NEW, DONE]", f"steps: [{written}, DONE]")))
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
    assert load(tmp_path, order(("within: 7d", written))).funnels[0].within == within


def test_yaml_1_1_surprises_stay_text(tmp_path: Path) -> None:
    text = order(("type: integer", "type: stringEnum, options: [NO, on, 2024-01-31, 12:30, y]"))
    options = load(tmp_path, text.replace("NEW", "NO")).attributes[1].options
    assert options == ("NO", "on", "2024-01-31", "12:30", "y")


def test_yaml_numbers_are_those_of_1_2(tmp_path: Path) -> None:
    text = order(("type: integer", "type: floatEnum, options: [010, 0x10, 1e3, -2.5, 1_0]"))
    # The underscore makes the last one text in YAML 1.2.
    assert problems_of(tmp_path, text) == [("attributes[score].options[4]", "'1_0'", "a number")]
    options = load(tmp_path, text.replace(", 1_0", "")).attributes[1].options
    assert options == (10.0, 16.0, 1000.0, -2.5)


def test_an_anchor_may_be_used_again(tmp_path: Path) -> None:
    text = order(("NEW: [ACTIVE]", "NEW: &next [ACTIVE, DONE]"), ("ACTIVE: [DONE]", "DONE: *next"))
    text = text.replace("[ACTIVE, DONE]", "[NEW, ACTIVE, DONE]")
    graph = load(tmp_path, text).stategraph
    assert graph == {
        "NEW": ("NEW", "ACTIVE", "DONE"),
        "ACTIVE": (),
        "DONE": ("NEW", "ACTIVE", "DONE"),
    }


def test_a_byte_order_mark_is_not_content(tmp_path: Path) -> None:
    as_json = json.dumps(yaml.safe_load(ORDER))
    assert load(tmp_path, "\ufeff" + ORDER) == load(tmp_path, ORDER)
    assert load(tmp_path, "\ufeff" + as_json, "order.json") == load(tmp_path, ORDER)


@pytest.mark.parametrize("type_", ATTRIBUTE_TYPES)
def test_personal_by_type_or_as_declared(type_: str) -> None:
    direct = {
        *("email", "phone", "name", "username", "otp"),
        *("geolocation", "googleAddress", "user", "multiUsers"),
    }
    indirect = {
        *("text", "html", "json", "photo", "audio", "document", "cart", "booking"),
        *("externalObject", "customObject", "multiJson", "multiPhotos", "multiAudios"),
        *("multiDocuments", "multiCarts", "multiBookings", "multiExternalObjects"),
        "multiCustomObjects",
    }
    usual = "direct" if type_ in direct else "indirect" if type_ in indirect else "no"
    attribute = Attribute(id=f"{ID}11", short_id="x", type=type_)
    assert attribute.privacy == usual
    assert attribute.is_personal is (usual != "no")
    for declared in ("direct", "indirect", "no"):
        derived = DerivedAttribute(id=f"{ID}11", short_id="x", type=type_, personal=declared)
        assert derived.privacy == declared


@pytest.mark.parametrize(("written", "level"), [("true", "direct"), ("false", "no")])
def test_personal_may_be_true_or_false(tmp_path: Path, written: str, level: str) -> None:
    text = order(("type: integer", f"type: integer, personal: {written}"))
    (attribute,) = [a for a in load(tmp_path, text).attributes if a.short_id == "score"]
    assert attribute.privacy == level


@pytest.mark.parametrize(
    ("short_id", "column"),
    [
        ("score", "score"),
        ("fullName", "fullName"),
        ("e-mail address", "e_mail_address"),
        ("größe", "größe"),
        ("gro\u0308ße", "größe"),
        ("日本", "日本"),
        ("हिन्दी", "हिन्दी"),
        ("цена €", "цена__"),
        ("€", "_"),
        ("a\u200db", "a_b"),
        ("١ر", "_١ر"),
        ("order", "order"),
        ("a.b", "a_b"),
        ("as_of", "attr_as_of"),
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
    first = load(tmp_path, ORDER)
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


def test_all_attributes_are_tracked_by_one_line_except_personal_ones(tmp_path: Path) -> None:
    text = order(("type: integer", "type: integer, track: false")).replace(
        "states:",
        "  - {id: 0c9c5f6e-9f63-5a2b-8a35-6a0f5d3f2b19, shortId: mail, type: email}\n"
        "  - {id: 0c9c5f6e-9f63-5a2b-8a35-6a0f5d3f2b20, shortId: phone, type: phone, track: true}\n"
        "  - {id: 0c9c5f6e-9f63-5a2b-8a35-6a0f5d3f2b21, shortId: plan, type: string, personal: no}\n"
        "states:",
        1,
    )
    without = {a.short_id: a.track for a in load(tmp_path, text).attributes}
    assert without == {
        "number": False, "score": False, "mail": False, "phone": True, "plan": False
    }  # fmt: skip
    found = load(tmp_path, f"{text}track: all\n").attributes
    assert {a.short_id: a.track for a in found} == without | {"number": True, "plan": True}


def test_one_line_means_what_an_entry_each_does(tmp_path: Path) -> None:
    each = ORDER.replace("type: stringId", "type: stringId, track: true")
    each = each.replace("type: integer", "type: integer, track: true")
    assert each != ORDER
    fingerprints = []
    for name, text in (("each", each), ("all", f"{ORDER}track: all\n"), ("none", ORDER)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "order.yaml").write_text(text)
        fingerprints.append(load_procedures(tmp_path / name).fingerprint)
    assert fingerprints[0] == fingerprints[1] != fingerprints[2]
