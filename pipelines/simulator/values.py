"""The attribute values of leads and tickets, as members of `data` and `derivedData`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import polars as pl

from pipelines.simulator.behaviour import STATUSES
from pipelines.simulator.facts import attribute
from pipelines.simulator.kinship import LEAD, TICKET
from pipelines.simulator.members import (
    decimal_text,
    json_member,
    json_object,
    number_member,
    text_member,
)
from pipelines.simulator.situations import Situations
from schemas.definitions.procedure import Procedure

# Internal exports use ids of attributes and states, and 0 for missing times; external ones use
# shortIds and null.
Style = Literal["internal", "external"]
STYLES: tuple[Style, Style] = ("internal", "external")

# The facts that are initial values of changing attributes.
BASES = ("base_1", "base_2", "base_3", "has_drift")

# The same shares as in the formula of `expected_value` in lead.yaml.
_WIN_PERCENT = {
    "NEW": 5, "CONTACTED": 10, "QUALIFIED": 25, "PROPOSAL": 50, "NEGOTIATION": 70,
    "CONVERTED": 100,
}  # fmt: skip
_BUDGET_STEP = 20  # cents, so that every percentage is a whole number of cents
_DRIFT = 250_00  # cents
_LATER_FROM_EDITS = 3
_ESCALATED_AFTER = 6
_SECOND_MS = 1000


def attribute_keys(procedure: Procedure, style: Style) -> dict[str, str]:
    """The key of each attribute, by shortId, in `data` and `derivedData`."""
    attributes = (*procedure.attributes, *procedure.derived_attributes)
    return {a.short_id: str(a.id) if style == "internal" else a.short_id for a in attributes}


def settled_data(procedures: Sequence[Procedure], style: Style) -> pl.Expr:
    """Per process: the members that are present from the first version."""
    lead = attribute_keys(procedures[LEAD], style)
    ticket = attribute_keys(procedures[TICKET], style)
    phone = pl.when("has_phone").then("phone")
    of_lead = pl.concat_str(
        text_member(lead["full_name"], pl.col("full_name")).str.strip_prefix(","),
        text_member(lead["email"], pl.col("email")),
        text_member(lead["phone"], phone, absent=None),
        json_member(lead["source"], pl.col("source")),
        json_member(lead["consent"], pl.col("consent").cast(pl.String)),
        text_member(lead["newsletter"], pl.col("newsletter")),
        json_member(lead["interests"], pl.col("interests")),
        text_member(lead["website"], pl.when("has_website").then("website"), absent=None),
        json_member(lead["address"], pl.when("has_address").then("address"), absent=None),
        text_member(lead["account_manager"], pl.when("has_manager").then("manager"), absent=None),
        json_member(lead["utm"], pl.col("utm")),
    )
    subject = pl.col("subject").str.replace_all("\\", "\\\\", literal=True)
    number = pl.lit("T-") + (pl.col("number") + 1).cast(pl.String).str.zfill(7)
    of_ticket = pl.concat_str(
        text_member(ticket["number"], number).str.strip_prefix(","),
        text_member(ticket["subject"], subject.str.replace_all('"', '\\"', literal=True)),
        json_member(ticket["category"], pl.col("category")),
        json_member(ticket["channel"], pl.col("channel")),
        json_member(ticket["tags"], pl.col("tags")),
        text_member(ticket["reporter_email"], pl.col("email")),
        text_member(ticket["callback_phone"], phone, absent=None),
        text_member(ticket["callback_time"], pl.when("has_phone").then("callback"), absent=None),
    )
    return pl.when(pl.col("procedure_no") == LEAD).then(of_lead).otherwise(of_ticket)


def later_data(procedures: Sequence[Procedure], style: Style) -> pl.Expr:
    """Per process: the members added by the third edit, each after a comma."""
    lead = attribute_keys(procedures[LEAD], style)
    ticket = attribute_keys(procedures[TICKET], style)
    number = pl.col("number").cast(pl.String).str.zfill(7)
    papers = pl.format('["doc-{}-a","doc-{}-b"]', number, number)
    of_lead = pl.concat_str(
        json_member(lead["site"], pl.when("has_visit").then("place"), absent=None),
        text_member(lead["offer"], pl.lit("offer-") + number),
        json_member(lead["attachments"], pl.when("has_visit").then(papers), absent=None),
        json_member(lead["cart"], pl.col("cart")),
        json_member(lead["renewal_month"], pl.col("renewal"), absent=None),
    )
    pictures = pl.format('["img-{}-1","img-{}-2"]', number, number)
    of_ticket = pl.concat_str(
        json_member(ticket["screenshots"], pl.when("has_visit").then(pictures), absent=None),
        json_member(ticket["device"], pl.when("has_address").then("device"), absent=None),
    )
    return pl.when(pl.col("procedure_no") == LEAD).then(of_lead).otherwise(of_ticket)


def changing_data(procedure: Procedure, style: Style) -> list[pl.Expr]:
    """Per version: the members that depend on its edits, status and next action."""
    keys = attribute_keys(procedure, style)
    if procedure.short_id == "lead":
        own = _lead_data(keys, [str(plan) for plan in attribute(procedure, "plan").options])
    else:
        own = _ticket_data(keys)
    is_later = pl.col("n_edits") >= _LATER_FROM_EDITS
    return [*own, pl.when(is_later).then("later").otherwise(pl.lit(""))]


def _lead_data(keys: Mapping[str, str], plans: Sequence[str]) -> list[pl.Expr]:
    edits = pl.col("n_edits")
    plan = pl.lit(pl.Series(plans)).gather((pl.col("base_1") + edits // 4) % len(plans))
    close_day = pl.col("t").cast(pl.Datetime("ms")) + pl.duration(days=pl.col("base_3"))
    # Rounded to half years, so that it changes rarely.
    close_on = close_day.dt.truncate("6mo").dt.offset_by("5mo").dt.to_string("%Y-%m-15")
    budget = decimal_text(_budget(), digits=2)
    return [
        number_member(keys["score"], pl.col("base_1") + 2 * edits),
        text_member(keys["plan"], pl.when(edits > 0).then(plan), absent=None),
        json_member(keys["budget"], pl.when(edits > 0).then(budget), absent=None),
        text_member(keys["expected_close_on"], pl.when(edits > 1).then(close_on), absent=None),
    ]


def _ticket_data(keys: Mapping[str, str]) -> list[pl.Expr]:
    edits = pl.col("n_edits")
    follow_up = pl.col("next_action_at") // (900 * _SECOND_MS) * (900 * _SECOND_MS)
    follow_up_text = follow_up.cast(pl.Datetime("ms")).dt.to_string("%Y-%m-%dT%H:%M:%SZ")
    rates = (pl.col("status") == STATUSES.index("COMPLETED")) & (pl.col("base_3") < 70)
    return [
        number_member(keys["priority"], (4 - (pl.col("base_1") + edits) // 16).clip(1, 4)),
        json_member(keys["effort_hours"], decimal_text(edits * 25 + pl.col("base_3"), digits=2)),
        text_member(keys["follow_up_at"], follow_up_text, absent=None),
        json_member(
            keys["satisfaction"],
            pl.when(rates).then((pl.col("base_2") % 5 + 1).cast(pl.String)),
            absent=None,
        ),
        json_member(keys["is_escalated"], (edits >= _ESCALATED_AFTER).cast(pl.String)),
    ]


def derived_data(procedure: Procedure, situations: Situations, style: Style) -> pl.Expr:
    """Per version: the derived values that the platform supplies; outdated for a few leads."""
    if procedure.short_id != "lead":
        return pl.lit("{}")
    keys = attribute_keys(procedure, style)
    supplied = expected_value(situations) + pl.when("has_drift").then(_DRIFT).otherwise(0)
    return json_object(
        json_member(keys["expected_value"], decimal_text(supplied, digits=2), absent=None)
    )


def expected_value(situations: Situations) -> pl.Expr:
    """Expected value of a lead's version in cents: budget times win share; null if no budget."""
    names = situations.states["name"]
    percent = names.replace_strict(_WIN_PERCENT, default=0, return_dtype=pl.Int64)
    value = _budget().cast(pl.Int64) * pl.lit(percent).gather(pl.col("state")) // 100
    return pl.when(pl.col("n_edits") > 0).then(value)


def _budget() -> pl.Expr:
    """In cents."""
    cents = pl.col("base_2") + 150_000 + pl.col("n_edits") // 3 * 12_550
    return cents // _BUDGET_STEP * _BUDGET_STEP
