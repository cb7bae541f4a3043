"""A procedure with its attributes, states, transitions and funnels, as frozen models."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Annotated, Literal, Self, get_args

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    PrivateAttr,
    StrictBool,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
    model_validator,
)

from schemas.definitions.calendar import Calendar, CalendarChoice
from schemas.definitions.columns import ColumnRequest, assign_columns
from schemas.definitions.duration import NamedDuration
from schemas.definitions.funnel import Funnel
from schemas.definitions.indicator import Indicator
from schemas.definitions.parts import Named, Part, Valued
from schemas.definitions.sla import Sla
from schemas.definitions.source import Source
from schemas.definitions.values import (
    AttributeReference,
    Day,
    FormulaText,
    LinkTemplate,
    ScriptPlace,
    StateReference,
    StateReferences,
    TableName,
    TimeZone,
    Uuid,
    not_allowed,
)

Aggregate = Literal["count", "sum", "min", "max", "avg", "any", "all"]
RECORD_PREFIX = "record_"
"""Begins the columns of record attributes."""
Level = Literal["reject", "null", "flag", "off"]
# YAML reads a bare `null` as nothing.
RuleLevel = Annotated[
    Level,
    BeforeValidator(lambda level: "null" if level is None else level),
    WithJsonSchema({"enum": [*get_args(Level), None]}),
]


def _probability(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise not_allowed("a number from 0 to 1, such as 0.25")
    return float(value)


Probability = Annotated[
    float,
    BeforeValidator(_probability),
    WithJsonSchema({"type": "number", "minimum": 0, "maximum": 1}),
]
StateKind = Literal["queue", "work", "waiting_customer", "waiting_other", "done"]


class Attribute(Valued):
    """A value people or systems enter; `track` keeps the history of its changes."""

    required: StrictBool = False
    """A version without the value is flagged."""
    unique: StrictBool = False
    """No two processes should share a value."""
    track: StrictBool = False
    """Keep the history of the value's changes."""


class Rollup(Part):
    """An aggregate over the children of a process, deleted ones left out.

    `of` and `where` are formulas over a child; `count` needs no `of`, every other aggregate does.
    Children whose `of` is null are left out. Of none `count` is 0, `any` false, `all` true, every
    other aggregate null.
    """

    procedure: str
    """The procedure of the children, by shortId or id."""
    aggregate: Aggregate
    """How the values of the children become one."""
    of: FormulaText | None = None
    """The value of a child, as a formula; `count` needs none."""
    where: FormulaText | None = None
    """Which children count, as a formula; without one all do."""


class DerivedAttribute(Valued):
    """A value that follows from others: by `formula`, `rollup` or `script`.

    A `script` is `file.py:function`, of a file beside the definition; it gets the columns `reads`.
    It is trusted code: it runs with all rights of the user who runs leadtime.
    Without any of the three the platform derives the value and supplies it with each version.
    """

    formula: FormulaText | None = None
    """An expression over attributes, other derived attributes and fields of the process."""
    rollup: Rollup | None = None
    """An aggregate over the child processes."""
    script: ScriptPlace | None = None
    """A Python function in a file beside the definition: `scoring.py:grade`."""
    reads: tuple[str, ...] = ()
    """The columns that the script gets."""

    @property
    def is_computed(self) -> bool:
        """Whether the value is computed here, and not only kept as supplied."""
        return bool(self.formula or self.rollup or self.script)

    @property
    def column_request(self) -> ColumnRequest:
        return ColumnRequest(self.short_id, self.type, is_computed=self.is_computed)

    @property
    def supplied_column(self) -> str:
        """The column with what the platform supplied: beside the computed value, or alone."""
        return f"{self.column}_supplied" if self.is_computed else self.column


class RecordAttribute(Valued):
    """A value of the record behind a process, as the files named `records` have it."""

    @property
    def column_request(self) -> ColumnRequest:
        return ColumnRequest(f"{RECORD_PREFIX}{self.short_id}", self.type)


class State(Named):
    """A place a process can be in; `rank` (from 1) is its place in the procedure's list."""

    kind: StateKind
    """What happens there: waiting to be started, work, waiting for someone, or finished."""
    removed: StrictBool = False
    """A retired state: the platform no longer has it, but earlier versions were in it."""
    probability: Probability | None = None
    """How probably a process that is in the state will be completed, from 0 to 1: it weights the
    open value in `pipeline_daily`; without one, what was observed does."""
    # Private to the model: a rank follows from the order of the states and cannot be written.
    _rank: int = PrivateAttr(default=0)

    @property
    def rank(self) -> int:
        return self._rank

    def at_rank(self, rank: int) -> State:
        """The same state as the rank-th of its procedure."""
        state: State = self.model_copy()
        state._rank = rank
        return state


def _ranked(states: tuple[State, ...]) -> tuple[State, ...]:
    return tuple(state.at_rank(rank) for rank, state in enumerate(states, start=1))


class Procedure(Named):
    """One kind of process. State references are shortIds; `stategraph` None allows every move."""

    short_id: TableName
    """Tables are called after it: letters, digits and _."""
    entity: Uuid | None = None
    """The platform's id of what the processes are about."""
    primary_key: AttributeReference | None = None
    """The attribute that no two live processes share."""
    primary_identifier: AttributeReference | None = None
    """The attribute people know a process by."""
    link: LinkTemplate | None = None
    """The address of a process in the platform, with `{id}` or `{primaryKey}` for the process."""
    track: Literal["all"] | None = Field(default=None, exclude=True)  # `attributes` say it
    """`all` keeps the history of every attribute that is published in clear and is not personal;
    `track` of an attribute decides for that one."""
    attributes: tuple[Attribute, ...] = ()
    """The values people or systems enter: the keys of `data`."""
    derived_attributes: tuple[DerivedAttribute, ...] = ()
    """The values that follow from others: the keys of `derivedData`, and what is computed here."""
    record_attributes: tuple[RecordAttribute, ...] = ()
    """The values of the record behind a process: keys of its line in a `records` file."""
    states: Annotated[tuple[State, ...], AfterValidator(_ranked)] = Field(
        json_schema_extra={"minItems": 1}
    )
    """The states in the order a process usually takes them: their order is their rank."""
    start_state: StateReference
    """Where a process begins."""
    completed_state: StateReference
    """Where a process ends when all went well."""
    stategraph: Mapping[str, StateReferences] | None = None
    """The states that may follow each state; without a graph every move is allowed."""
    funnels: tuple[Funnel, ...] = ()
    """Sequences of steps to measure."""
    slas: tuple[Sla, ...] = ()
    """Clocks that must stop in time."""
    indicators: tuple[Indicator, ...] = ()
    """Targets of the daily figures in the table `indicators`."""
    durations: tuple[NamedDuration, ...] = ()
    """Times from one event to another, measured beside those that every procedure has."""
    compare_by: tuple[AttributeReference, ...] = ()
    """Attributes by whose values outcomes are compared: a curve for each value."""
    calendar: CalendarChoice = CalendarChoice()
    """The calendar of working time: its name, or a formula that gives it; else every hour."""
    observed_since: Day | None = None
    """The day (in the reporting time zone) from whose start all changes are in the data; without
    one it is inferred."""
    timezone: TimeZone = "UTC"
    """The IANA time zone of local times in the data."""
    strict: StrictBool = False
    """A bad attribute value rejects its version, where it would else only be left out."""
    rules: Mapping[str, RuleLevel] = Field(default_factory=dict[str, RuleLevel])
    """Rules of the record by id that have another severity here: `core:entity_id:missing: off`."""

    @property
    def naming_attributes(self) -> tuple[Attribute, ...]:
        """The attributes whose values may stand for a process wherever people read: the primary
        identifier, then the primary key, as far as they are published in clear.
        """
        names = dict.fromkeys((self.primary_identifier, self.primary_key))
        return tuple(
            attribute
            for name in names
            for attribute in self.attributes
            if attribute.short_id == name and attribute.published_as == "clear"
        )

    @field_validator("attributes")
    @classmethod
    def _track_all(cls, found: tuple[Attribute, ...], info: ValidationInfo) -> object:
        keeps = {} if info.data.get("track") is None else {"track": True}
        rest = [p for p in found if "track" not in p.model_fields_set and not p.is_personal]
        return tuple(p.model_copy(update=keeps) if p in rest else p for p in found)

    @model_validator(mode="after")
    def _assign_columns(self) -> Self:
        sections: Mapping[str, Sequence[Valued]] = {
            "attributes": self.attributes,
            "derived_attributes": self.derived_attributes,
            "record_attributes": self.record_attributes,
        }
        parts = [part for section in sections.values() for part in section]
        columns = iter(assign_columns([part.column_request for part in parts]))
        for name, section in sections.items():
            assigned = tuple(part.in_column(next(columns)) for part in section)
            object.__setattr__(self, name, assigned)  # the model is frozen for everyone else
        return self


def names_of_columns(procedure: Procedure) -> dict[str, str]:
    """The shortIds that are not the column of their attribute, each with that column."""
    parts = (*procedure.attributes, *procedure.derived_attributes)
    return {part.short_id: part.column for part in parts if part.short_id != part.column}


@dataclass(frozen=True)
class Procedures:
    """All procedures of a warehouse, in order of shortId; `sources` names the file of each.

    `calendars` are all they can choose from, by name; `always` needs no definition. `file_sources`
    say how landing files of other shapes become versions, in order of their names.
    """

    procedures: tuple[Procedure, ...]
    sources: Mapping[str, str]
    calendars: Mapping[str, Calendar] = field(default_factory=dict[str, Calendar])
    file_sources: tuple[Source, ...] = ()

    def __iter__(self) -> Iterator[Procedure]:
        return iter(self.procedures)

    def __len__(self) -> int:
        return len(self.procedures)

    def __hash__(self) -> int:
        return hash(self.fingerprint)

    @cached_property
    def by_id(self) -> Mapping[str, Procedure]:
        return {procedure.id: procedure for procedure in self.procedures}

    @cached_property
    def by_short_id(self) -> Mapping[str, Procedure]:
        return {procedure.short_id: procedure for procedure in self.procedures}

    @cached_property
    def fingerprint(self) -> str:
        """sha256 of what is defined; files, their names, key order and comments do not count."""
        content = [
            procedure.model_dump(mode="json", by_alias=True)
            for procedure in sorted(self.procedures, key=lambda p: p.short_id)
        ]
        text = json.dumps(content, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()
