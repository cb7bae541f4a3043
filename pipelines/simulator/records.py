"""Renders versions as lines of JSON, as the platform exports them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from pipelines.simulator.behaviour import STATUSES
from pipelines.simulator.kinship import LEAD, TICKET
from pipelines.simulator.members import number_member, text_member
from pipelines.simulator.situations import Situations
from pipelines.simulator.values import (
    BASES,
    STYLES,
    Style,
    changing_data,
    derived_data,
    later_data,
    settled_data,
)
from schemas.definitions.procedure import Procedure


@dataclass(frozen=True)
class Renderer:
    """Renders lines; `heads`, `settled` and `later` hold the constant text of each process."""

    procedures: Sequence[Procedure]
    situations: Situations
    facts: pl.DataFrame
    people: pl.DataFrame
    heads: pl.Series
    settled: Mapping[Style, pl.Series]
    later: Mapping[Style, pl.Series]

    def render(self, versions: pl.DataFrame) -> pl.Series:
        """One line per row of `versions` (the columns of a step, and `style`), in their order."""
        numbered = versions.with_row_index("place")
        parts = [
            self._render_group(group, procedure_no=number, style=style)
            for number in (LEAD, TICKET)
            for style in STYLES
            if not (group := self._group(numbered, number, style)).is_empty()
        ]
        return pl.concat(parts).sort("place")["line"]

    def _group(self, numbered: pl.DataFrame, procedure_no: int, style: Style) -> pl.DataFrame:
        of_procedure = pl.lit(self.facts["procedure_no"]).gather(pl.col("process")) == procedure_no
        return numbered.filter(of_procedure & (pl.col("style") == style))

    def _render_group(
        self, versions: pl.DataFrame, *, procedure_no: int, style: Style
    ) -> pl.DataFrame:
        procedure = self.procedures[procedure_no]
        of_process = {
            "head": self.heads,
            "settled": self.settled[style],
            "later": self.later[style],
            **{name: self.facts[name] for name in BASES},
        }
        known = versions.with_columns(
            **{name: facts.gather(versions["process"]) for name, facts in of_process.items()}
        )
        people = self.people.filter(pl.col("procedure_no") == procedure_no)["person"]
        states = _state_names(procedure, self.situations, style)
        return known.select(
            "place",
            line=pl.concat_str(
                "head",
                number_member("updatedAt", pl.col("t")),
                text_member("status", _named(STATUSES, pl.col("status"))),
                text_member("state", _named(states, pl.col("state"))),
                _person("assignedTo", people, pl.col("assignee")),
                _person("firstAssignedTo", people, pl.col("first_assignee")),
                *(_instant(key, pl.col(name), style) for key, name in _INSTANTS.items()),
                pl.lit(',"isDeleted":') + pl.col("is_deleted").cast(pl.String),
                pl.lit(',"data":{'),
                "settled",
                *changing_data(procedure, style),
                pl.lit('},"derivedData":'),
                derived_data(procedure, self.situations, style),
                pl.lit("}"),
            ),
        )


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
        settled={s: facts.select(settled_data(procedures, s)).to_series() for s in STYLES},
        later={s: facts.select(later_data(procedures, s)).to_series() for s in STYLES},
    )


def _head(procedures: Sequence[Procedure]) -> pl.Expr:
    ids = [str(procedure.id) for procedure in procedures]
    entities = [str(procedure.entity) for procedure in procedures]
    number, parent = pl.col("procedure_no"), pl.col("parent_procedure_no")
    return pl.concat_str(
        pl.lit('{"id":"') + pl.col("id") + '"',
        text_member("team", pl.col("team")),
        text_member("procedure", _named(ids, number)),
        text_member("createdBy", pl.col("created_by")),
        text_member("belongsTo", pl.col("pod")),
        text_member("entity", _named(entities, number)),
        text_member("record", pl.col("record")),
        pl.lit(',"primaryBooking":null'),
        text_member("parentProcedure", _named(ids, parent), absent="null"),
        text_member("parentProcess", pl.col("parent"), absent="null"),
        number_member("createdAt", pl.col("created_at")),
    )


def _named(names: Sequence[str], number: pl.Expr) -> pl.Expr:
    return pl.lit(pl.Series(names, dtype=pl.String)).gather(number)


def _state_names(procedure: Procedure, situations: Situations, style: Style) -> list[str]:
    """The name of every state in the records of one procedure; empty for other procedures."""
    own = {s.short_id: str(s.id) if style == "internal" else s.short_id for s in procedure.states}
    return [
        own[name] if short_id == procedure.short_id else ""
        for _, short_id, name in situations.states.iter_rows()
    ]


def _person(key: str, people: pl.Series, number: pl.Expr) -> pl.Expr:
    present = pl.when(number >= 0).then(number)
    return text_member(key, pl.lit(people).gather(present), absent="null")


def _instant(key: str, value: pl.Expr, style: Style) -> pl.Expr:
    return number_member(key, value, absent="0" if style == "internal" else "null")
