"""What the parts of a definition have in common: id and names, type, column."""

from __future__ import annotations

from typing import Self, cast

from pydantic import (
    BaseModel,
    ConfigDict,
    PrivateAttr,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic.alias_generators import to_camel

from schemas.definitions.attribute_types import BY_NAME
from schemas.definitions.columns import ColumnRequest, column_name
from schemas.definitions.values import (
    ENUM_OPTION_TYPES,
    AttributeTypeName,
    DeclaredPrivacy,
    DeclaredPublish,
    Label,
    LabelOrNothing,
    Option,
    PlainOption,
    Uuid,
)
from schemas.privacy import BY_DEFAULT, Privacy, Publish, strictest


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
    personal: DeclaredPrivacy | None = None
    """How much values say about a person: `direct` (or true), `indirect`, `no` (or false); without
    it as usual for the type and, where computed, as for what it is computed from."""
    publish: DeclaredPublish | None = None
    """How values are published: `clear`, as a `key` (a keyed hash), or not at all (`drop`); without
    it by `personal`: `no` in clear, `direct` as a key, `indirect` not at all."""
    aliases: tuple[str, ...] = ()
    """Former shortIds and other keys under which data has the value."""
    # Private to the model: they depend on the other attributes and cannot be written.
    _column: str = PrivateAttr(default="")
    _inherited: Privacy = PrivateAttr(default="no")

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
    def privacy(self) -> Privacy:
        """How much values say about a person: as declared, else the stricter of what is usual for
        the type and what holds for the values it is computed from.
        """
        if self.personal is not None:
            return self.personal
        return strictest((BY_NAME[self.type].privacy, self._inherited))

    @property
    def published_as(self) -> Publish:
        """How values are published: as declared, else as is usual for what they say of a person."""
        return self.publish or BY_DEFAULT[self.privacy]

    @property
    def is_personal(self) -> bool:
        """Whether values are, or may be, personal data, or are not published in clear."""
        return self.privacy != "no" or self.published_as != "clear"

    @property
    def column(self) -> str:
        """The column of the wide table that holds the value."""
        return self._column or column_name(self.column_request.name)

    @property
    def column_request(self) -> ColumnRequest:
        """What the value needs of the wide table."""
        return ColumnRequest(self.short_id, self.type)

    def in_column(self, column: str) -> Self:
        """The same part, its value kept in `column`."""
        if column == self.column:
            return self
        part: Valued = self.model_copy()
        part._column = column
        return part

    def computed_from(self, privacy: Privacy) -> Self:
        """The same part, computed from values that say so much about a person."""
        if privacy == self._inherited:
            return self
        part: Valued = self.model_copy()
        part._inherited = privacy
        return part
