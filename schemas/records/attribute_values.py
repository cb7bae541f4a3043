"""The attribute values of one procedure, each as JSON text and as a typed value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from schemas.definitions.attribute_types import BY_NAME
from schemas.definitions.procedure import Attribute, DerivedAttribute, Procedure, RecordAttribute
from schemas.definitions.values import Option
from schemas.records.statuses import STATUSES

_Declared = Attribute | DerivedAttribute | RecordAttribute

Source = Literal["data", "derived_data"]
DOCUMENTS: tuple[Source, ...] = ("data", "derived_data")
"""The columns of a version that hold its values as JSON."""


@dataclass(frozen=True)
class Value:
    """One attribute or derived attribute as a pair of frame columns.

    `source` is the document it is read from, and `parent` the member of it that holds the value,
    where that is not the document itself; `column` (`attr:score`, `derived:score`) is also the
    stem of its rule ids. `options` are the values allowed (empty: any), `names` the meaning of
    other spellings, in lower case.
    """

    id: str
    short_id: str
    type: str
    source: Source
    column: str
    target: str
    options: tuple[Option, ...]
    is_personal: bool
    required: bool = False
    names: Mapping[str, str] = field(default_factory=dict[str, str])
    aliases: tuple[str, ...] = ()
    parent: str = ""

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys it may be under in a document; the first one present counts.

        Some systems write ids in capitals.
        """
        ids = dict.fromkeys((self.id, self.id.upper()))
        return *ids, self.short_id, *self.aliases

    @property
    def columns(self) -> dict[str, str]:
        """The columns of the wide table that hold the value, with their types."""
        return BY_NAME[self.type].columns(self.target)


def ignored(column: str) -> str:
    """The frame column with a text under another key of a value, which differs from its own."""
    return f"ignored:{column}"


def values_of(procedure: Procedure) -> list[Value]:
    """Attributes and derived attributes in the order of the definition."""
    entered = [
        Value(
            a.id,
            a.short_id,
            a.type,
            "data",
            f"attr:{a.short_id}",
            a.column,
            _options(a, procedure),
            a.is_personal,
            a.required,
            _names(a, procedure),
            a.aliases,
        )
        for a in procedure.attributes
    ]
    derived = [
        Value(
            d.id,
            d.short_id,
            d.type,
            "derived_data",
            f"derived:{d.short_id}",
            d.supplied_column,
            _options(d, procedure),
            d.is_personal,
            names=_names(d, procedure),
            aliases=d.aliases,
        )
        for d in procedure.derived_attributes
    ]
    return entered + derived


def record_values_of(procedure: Procedure) -> list[Value]:
    """Record attributes in the order of the definition, as members of an object `data`."""
    return [
        Value(
            r.id,
            r.short_id,
            r.type,
            "data",
            f"record:{r.short_id}",
            r.column,
            _options(r, procedure),
            r.is_personal,
            names=_names(r, procedure),
            aliases=r.aliases,
        )
        for r in procedure.record_attributes
    ]


def _options(attribute: _Declared, procedure: Procedure) -> tuple[Option, ...]:
    match attribute.type:
        case "state":
            return tuple(state.short_id for state in procedure.states)
        case "status":
            return STATUSES
        case _:
            return attribute.options


def _names(attribute: _Declared, procedure: Procedure) -> Mapping[str, str]:
    if not BY_NAME[attribute.type].conversion.of_states:
        return {}
    by_id = {state.id.lower(): state.short_id for state in procedure.states}
    return by_id | {state.short_id.lower(): state.short_id for state in procedure.states}
