"""Versions as lines of JSON, as the platform exports them.

Which line goes into which file, and what gets damaged on the way, does not belong here.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import polars as pl

from pipelines.simulator.behaviour import STATUSES
from pipelines.simulator.facts import LEAD, TICKET, attribute
from pipelines.simulator.situations import Situations
from schemas.definitions import Procedure

# Internal exports key attributes and states by id and write 0 for "not yet"; external ones use
# shortIds and null.
Style = Literal["internal", "external"]
STYLES: tuple[Style, Style] = ("internal", "external")

_WIN_PERCENT = {"NEW": 5, "CONTACTED": 10, "QUALIFIED": 25, "PROPOSAL": 50, "NEGOTIATION": 70}
_ESCALATED_AFTER = 6
_SECOND_MS = 1000


@dataclass(frozen=True)
class Renderer:
    """Everything that is the same for all lines. `heads` and `data` are one text per process."""

    procedures: Sequence[Procedure]
    situations: Situations
    facts: pl.DataFrame
    people: pl.DataFrame
    heads: pl.Series
    data: Mapping[Style, pl.Series]

    def render(self, versions: pl.DataFrame) -> pl.Series:
        """One line per row of `versions`, in their order: the columns of a step, and `style`."""
        numbered = versions.with_row_index("place")
        parts = [
            self._render_alike(group, procedure_no=number, style=style)
            for number in (LEAD, TICKET)
            for style in STYLES
            if not (group := self._alike(numbered, number, style)).is_empty()
        ]
        return pl.concat(parts).sort("place")["line"]

    def _alike(self, numbered: pl.DataFrame, procedure_no: int, style: Style) -> pl.DataFrame:
        of_procedure = pl.lit(self.facts["procedure_no"]).gather(pl.col("process")) == procedure_no
        return numbered.filter(of_procedure & (pl.col("style") == style))

    def _render_alike(
        self, versions: pl.DataFrame, *, procedure_no: int, style: Style
    ) -> pl.DataFrame:
        procedure = self.procedures[procedure_no]
        bases = ("base_1", "base_2", "base_3")
        known = versions.with_columns(
            head=self.heads.gather(versions["process"]),
            fixed=self.data[style].gather(versions["process"]),
            **{name: self.facts[name].gather(versions["process"]) for name in bases},
        )
        people = self.people.filter(pl.col("procedure_no") == procedure_no)["person"]
        keys = attribute_keys(procedure, style)
        if procedure_no == LEAD:
            plans = [str(option) for option in attribute(procedure, "plan").options]
            changing = _lead_data(keys, plans)
            derived = _lead_derived(keys, self.situations)
        else:
            changing = _ticket_data(keys)
            derived = pl.lit("{}")
        return known.select(
            "place",
            line=pl.concat_str(
                "head",
                _number("updatedAt", pl.col("t")),
                _text("status", _named(STATUSES, pl.col("status"))),
                _text("state", _named(_state_names(procedure, self.situations, style), _STATE)),
                _person("assignedTo", people, pl.col("assignee")),
                _person("firstAssignedTo", people, pl.col("first_assignee")),
                *(_instant(key, pl.col(name), style) for key, name in _INSTANTS.items()),
                pl.lit(',"isDeleted":') + pl.col("is_deleted").cast(pl.String),
                pl.lit(',"data":{'),
                "fixed",
                *changing,
                pl.lit('},"derivedData":'),
                derived,
                pl.lit("}"),
            ),
        )


_STATE = pl.col("state")
_INSTANTS = {
    "firstAssignedAt": "first_assigned_at",
    "lastAssignedAt": "last_assigned_at",
    "nextActionAt": "next_action_at",
    "completedAt": "completed_at",
    "cancelledAt": "cancelled_at",
}


def prepare_renderer(
    procedures: Sequence[Procedure],
    situations: Situations,
    facts: pl.DataFrame,
    people: pl.DataFrame,
) -> Renderer:
    """A renderer for the processes of `facts`; `procedures` in the order of their numbers."""
    return Renderer(
        procedures=procedures,
        situations=situations,
        facts=facts,
        people=people,
        heads=facts.select(_head(procedures)).to_series(),
        data={style: facts.select(_fixed_data(procedures, style)).to_series() for style in STYLES},
    )


def attribute_keys(procedure: Procedure, style: Style) -> dict[str, str]:
    """What each attribute, by shortId, is called in `data` and `derivedData`."""
    attributes = (*procedure.attributes, *procedure.derived_attributes)
    return {a.short_id: str(a.id) if style == "internal" else a.short_id for a in attributes}


def _head(procedures: Sequence[Procedure]) -> pl.Expr:
    ids = [str(procedure.id) for procedure in procedures]
    entities = [str(procedure.entity) for procedure in procedures]
    number, parent = pl.col("procedure_no"), pl.col("parent_procedure_no")
    return pl.concat_str(
        pl.lit('{"id":"') + pl.col("id") + '"',
        _text("team", pl.col("team")),
        _text("procedure", _named(ids, number)),
        _text("createdBy", pl.col("created_by")),
        _text("belongsTo", pl.col("pod")),
        _text("entity", _named(entities, number)),
        _text("record", pl.col("record")),
        pl.lit(',"primaryBooking":null'),
        _text("parentProcedure", _named(ids, parent), absent="null"),
        _text("parentProcess", pl.col("parent"), absent="null"),
        _number("createdAt", pl.col("created_at")),
    )


def _fixed_data(procedures: Sequence[Procedure], style: Style) -> pl.Expr:
    """Attributes that stay as they are; every other one follows after a comma."""
    lead = attribute_keys(procedures[LEAD], style)
    ticket = attribute_keys(procedures[TICKET], style)
    phone = pl.when("has_phone").then("phone")
    of_lead = pl.concat_str(
        _text(lead["full_name"], pl.col("full_name")).str.strip_prefix(","),
        _text(lead["email"], pl.col("email")),
        _text(lead["phone"], phone, absent=None),
        _json(lead["source"], pl.col("source")),
        _json(lead["consent"], pl.col("consent").cast(pl.String)),
        _json(lead["interests"], pl.col("interests")),
        _text(lead["website"], pl.when("has_website").then("website"), absent=None),
        _json(lead["utm"], pl.col("utm")),
    )
    subject = pl.col("subject").str.replace_all("\\", "\\\\", literal=True)
    number = pl.lit("T-") + (pl.col("number") + 1).cast(pl.String).str.zfill(7)
    of_ticket = pl.concat_str(
        _text(ticket["number"], number).str.strip_prefix(","),
        _text(ticket["subject"], subject.str.replace_all('"', '\\"', literal=True)),
        _json(ticket["category"], pl.col("category")),
        _json(ticket["channel"], pl.col("channel")),
        _json(ticket["tags"], pl.col("tags")),
        _text(ticket["reporter_email"], pl.col("email")),
        _text(ticket["callback_phone"], phone, absent=None),
    )
    return pl.when(pl.col("procedure_no") == LEAD).then(of_lead).otherwise(of_ticket)


def _lead_data(keys: Mapping[str, str], plans: Sequence[str]) -> list[pl.Expr]:
    edits = pl.col("n_edits")
    plan = _named(plans, (pl.col("base_1") + edits // 4) % len(plans))
    close_day = pl.col("t").cast(pl.Datetime("ms")) + pl.duration(days=pl.col("base_3"))
    # Rounded to half years, so that the expectation changes now and then and not each time.
    close_on = close_day.dt.truncate("6mo").dt.offset_by("5mo").dt.to_string("%Y-%m-15")
    return [
        _number(keys["score"], pl.col("base_1") + 2 * edits),
        _text(keys["plan"], pl.when(edits > 0).then(plan), absent=None),
        _json(keys["budget"], pl.when(edits > 0).then(_money(_budget())), absent=None),
        _text(keys["expected_close_on"], pl.when(edits > 1).then(close_on), absent=None),
    ]


def _ticket_data(keys: Mapping[str, str]) -> list[pl.Expr]:
    edits = pl.col("n_edits")
    follow_up = pl.col("next_action_at") // (900 * _SECOND_MS) * (900 * _SECOND_MS)
    follow_up_text = follow_up.cast(pl.Datetime("ms")).dt.to_string("%Y-%m-%dT%H:%M:%SZ")
    rates = (pl.col("status") == STATUSES.index("COMPLETED")) & (pl.col("base_3") < 70)
    return [
        _number(keys["priority"], (4 - (pl.col("base_1") + edits) // 16).clip(1, 4)),
        _json(keys["effort_hours"], _money(edits * 25 + pl.col("base_3"))),
        _text(keys["follow_up_at"], follow_up_text, absent=None),
        _json(
            keys["satisfaction"],
            pl.when(rates).then((pl.col("base_2") % 5 + 1).cast(pl.String)),
            absent=None,
        ),
        _json(keys["is_escalated"], (edits >= _ESCALATED_AFTER).cast(pl.String)),
    ]


def _lead_derived(keys: Mapping[str, str], situations: Situations) -> pl.Expr:
    names = situations.states["name"].to_list()
    percent = [100 if name == "CONVERTED" else _WIN_PERCENT.get(name, 0) for name in names]
    expected = _budget() * pl.lit(pl.Series(percent, dtype=pl.Int32)).gather(_STATE) // 100
    pair = _json(
        keys["expected_value"], pl.when(pl.col("n_edits") > 0).then(_money(expected)), absent=None
    )
    return pl.lit("{") + pair.str.strip_prefix(",") + "}"


def _budget() -> pl.Expr:
    """In cents."""
    return pl.col("base_2") + 150_000 + pl.col("n_edits") // 3 * 12_550


def _money(cents: pl.Expr) -> pl.Expr:
    digits = (cents % 100).cast(pl.String).str.zfill(2)
    return (cents // 100).cast(pl.String) + "." + digits


def _named(names: Sequence[str], number: pl.Expr) -> pl.Expr:
    return pl.lit(pl.Series(names, dtype=pl.String)).gather(number)


def _state_names(procedure: Procedure, situations: Situations, style: Style) -> list[str]:
    """What every numbered state is called in the records of one procedure; others are blank."""
    own = {s.short_id: str(s.id) if style == "internal" else s.short_id for s in procedure.states}
    return [
        own[name] if short_id == procedure.short_id else ""
        for _, short_id, name in situations.states.iter_rows()
    ]


def _person(key: str, people: pl.Series, number: pl.Expr) -> pl.Expr:
    present = pl.when(number >= 0).then(number)
    return _text(key, pl.lit(people).gather(present), absent="null")


def _instant(key: str, value: pl.Expr, style: Style) -> pl.Expr:
    return _number(key, value, absent="0" if style == "internal" else "null")


def _text(key: str, value: pl.Expr, *, absent: str | None = "null") -> pl.Expr:
    return _json(key, pl.lit('"') + value + '"', absent=absent)


def _number(key: str, value: pl.Expr, *, absent: str | None = "null") -> pl.Expr:
    return _json(key, value.cast(pl.String), absent=absent)


def _json(key: str, value: pl.Expr, *, absent: str | None = "null") -> pl.Expr:
    """`,"key":value`. A null value becomes the text `absent`, or the pair is left out."""
    label = pl.lit(f",{json.dumps(key)}:")
    if absent is None:
        return (label + value).fill_null("")
    return label + value.fill_null(absent)
