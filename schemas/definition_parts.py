"""What every part of a definition has in common: its id and names, its type, its column.

The parts themselves are in `definitions.py`.
"""

from __future__ import annotations

import re
from typing import cast

from pydantic import (
    BaseModel,
    ConfigDict,
    StrictBool,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic.alias_generators import to_camel

from schemas.attribute_types import BY_NAME
from schemas.catalogue_dimensions import LABELS
from schemas.catalogue_processes import PROCESS_LIFECYCLE, PROCESSES
from schemas.definition_values import (
    ENUM_OPTION_TYPES,
    AttributeTypeName,
    Label,
    LabelOrNothing,
    Option,
    PlainOption,
    Uuid,
)

# Columns the wide table of a procedure is to get: an attribute keeps its column when they come.
_PLANNED_COLUMNS = (
    "business_resolution_seconds",
    "business_full_resolution_seconds",
    "business_open_seconds",
    "business_age_seconds",
)
# What stands, or will stand, beside the attributes in the wide table.
RESERVED_COLUMNS = frozenset(
    (
        *PROCESSES.column_names,
        *(label.name for label in LABELS),
        *PROCESS_LIFECYCLE.column_names,
        *_PLANNED_COLUMNS,
    )
)


class Part(BaseModel):
    """A part of a definition. Files write camelCase keys; Python writes snake_case arguments."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        alias_generator=to_camel,
        validate_by_name=True,
        validate_by_alias=True,
        use_attribute_docstrings=True,  # they describe the keys to editors (json_schema.py)
    )


class Named(Part):
    """A part with an id and a shortId; its name is the shortId unless it has another."""

    id: Uuid
    """The platform's id."""
    short_id: Label
    """The name of this part in the platform's data, in this file and in the tables."""
    name: LabelOrNothing = ""
    """What people call it; without one, the shortId."""

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


class Valued(Named):
    """A part that gives each process one value."""

    type: AttributeTypeName
    """The platform's type of the value."""
    options: tuple[PlainOption, ...] = ()
    """The values an enum may have, as they stand in the data."""
    personal: StrictBool | None = None
    """Whether values are about a person; else as usual for the type."""
    aliases: tuple[Label, ...] = ()
    """Former shortIds: older data has the value under these keys."""

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


def column_name(short_id: str) -> str:
    """The column an attribute is kept in: its shortId, made safe and clear of our own columns."""
    name = re.sub(r"[^A-Za-z0-9_]", "_", short_id)
    if name[:1].isdigit():
        name = f"_{name}"
    return f"attr_{name}" if name.lower() in RESERVED_COLUMNS else name
