"""What a procedure is: its attributes, states, transitions and funnels, as frozen models.

Reading files and the rules between the parts of a definition do not belong here.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Literal, cast

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    PrivateAttr,
    StrictBool,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic.alias_generators import to_camel

from schemas.attribute_types import BY_NAME
from schemas.catalogue_processes import PROCESS_LIFECYCLE, PROCESSES
from schemas.definition_values import (
    ENUM_OPTION_TYPES,
    AttributeTypeName,
    Duration,
    Label,
    Option,
    PlainOption,
    TableName,
    TimeZone,
    Uuid,
)

StateKind = Literal["queue", "work", "waiting_customer", "waiting_other", "done"]

# Columns the wide table of a procedure is to get: an attribute keeps its column when they come.
_PLANNED_COLUMNS = (
    "business_resolution_seconds",
    "business_full_resolution_seconds",
    "business_open_seconds",
    "business_age_seconds",
    "n_children",
    "n_open_children",
    "depth",
    "root_process_id",
)
# What stands, or will stand, beside the attributes in the wide table.
RESERVED_COLUMNS = frozenset(
    (*PROCESSES.column_names, *PROCESS_LIFECYCLE.column_names, *_PLANNED_COLUMNS)
)


class _Part(BaseModel):
    """A part of a definition. Files write camelCase keys; Python writes snake_case arguments."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        alias_generator=to_camel,
        validate_by_name=True,
        validate_by_alias=True,
    )


class _Named(_Part):
    """A part with an id and a shortId; its name is the shortId unless it has another."""

    id: Uuid
    short_id: Label
    name: Label = ""

    @model_validator(mode="before")
    @classmethod
    def _name_after_short_id(cls, data: object) -> object:
        if not isinstance(data, dict):
            return data  # pyright: ignore[reportUnknownVariableType]
        written = cast("dict[str, object]", data)
        if written.get("name") is not None:
            return written
        unnamed = {key: value for key, value in written.items() if key != "name"}
        short_id = written.get("shortId", written.get("short_id"))
        # A bad shortId is one problem, not two.
        is_name = isinstance(short_id, str) and short_id and short_id == short_id.strip()
        return {**unnamed, "name": short_id} if is_name else unnamed


class _Valued(_Named):
    """A part that gives each process one value."""

    type: AttributeTypeName
    options: tuple[PlainOption, ...] = ()
    personal: StrictBool | None = None

    @field_validator("options")
    @classmethod
    def _float_options(
        cls, options: tuple[Option, ...], info: ValidationInfo
    ) -> tuple[Option, ...]:
        """Options of a float enum as floats, so that `1` and `1.0` define the same thing."""
        if float not in ENUM_OPTION_TYPES.get(info.data.get("type", ""), ()):
            return options
        return tuple(float(o) if isinstance(o, int) else o for o in options)

    @property
    def is_personal(self) -> bool:
        """Whether values are about a person: as declared, else as usual for the type."""
        return BY_NAME[self.type].personal if self.personal is None else self.personal

    @property
    def column(self) -> str:
        """The column of the wide table that holds the value."""
        return column_name(self.short_id)


class Attribute(_Valued):
    """A value people or systems enter; `track` keeps the history of its changes."""

    required: StrictBool = False
    unique: StrictBool = False
    track: StrictBool = False


class DerivedAttribute(_Valued):
    """A value the platform derives and supplies with each version of a process."""


class State(_Named):
    """A place a process can be in; `rank` (from 1) is its place in the procedure's list."""

    kind: StateKind
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


class FunnelStep(_Part):
    """One step: reached by being in any of its states (shortIds)."""

    name: Label
    states: tuple[str, ...]

    @model_validator(mode="before")
    @classmethod
    def _short_forms(cls, data: object) -> object:
        """A step may be written as one state, or as a list of states."""
        if isinstance(data, str):
            return {"name": data, "states": [data]}
        if isinstance(data, list):
            states = cast("list[object]", data)
            name = " | ".join(state.strip() for state in states if isinstance(state, str))
            return {"name": name or "-", "states": states}
        return data


class Funnel(_Part):
    """Named steps in order; `within` is measured from step 1, None means without limit."""

    name: Label
    steps: tuple[FunnelStep, ...]
    within: Duration | None = None


class Procedure(_Named):
    """One kind of process. State references are shortIds; `stategraph` None allows every move."""

    short_id: TableName
    entity: Uuid | None = None
    primary_key: str | None = None
    primary_identifier: str | None = None
    attributes: tuple[Attribute, ...] = ()
    derived_attributes: tuple[DerivedAttribute, ...] = ()
    states: Annotated[tuple[State, ...], AfterValidator(_ranked)]
    start_state: str
    completed_state: str
    stategraph: Mapping[str, tuple[str, ...]] | None = None
    funnels: tuple[Funnel, ...] = ()
    timezone: TimeZone = "UTC"
    strict: StrictBool = False


def column_name(short_id: str) -> str:
    """The column an attribute is kept in: its shortId, made safe and clear of our own columns."""
    name = re.sub(r"[^A-Za-z0-9_]", "_", short_id)
    if name[:1].isdigit():
        name = f"_{name}"
    return f"attr_{name}" if name.lower() in RESERVED_COLUMNS else name


@dataclass(frozen=True)
class Procedures:
    """All procedures of a warehouse, in order of shortId; `sources` names the file of each."""

    procedures: tuple[Procedure, ...]
    sources: Mapping[str, str]

    def __iter__(self) -> Iterator[Procedure]:
        return iter(self.procedures)

    def __len__(self) -> int:
        return len(self.procedures)

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
