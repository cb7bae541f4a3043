"""The model of a funnel: steps, window, what ends an attempt, and breakdowns."""

from __future__ import annotations

from typing import Literal, cast

from pydantic import Field, GetJsonSchemaHandler, StrictBool, TypeAdapter, model_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from schemas.definitions.parts import Part
from schemas.definitions.values import (
    AttributeReference,
    Duration,
    FormulaText,
    Label,
    SomeStateReferences,
    StateReference,
    StateReferences,
    not_allowed,
)


class FunnelStep(Part):
    """One step: reached by entering any of its states (shortIds), or by an outcome."""

    name: Label
    """The name of the step; without one it is that of its states or outcome."""
    states: SomeStateReferences = ()
    """Entering any of these states reaches the step."""
    outcome: Literal["completed", "cancelled"] | None = None
    """Being completed or cancelled reaches the step; instead of `states`."""
    where: FormulaText | None = None
    """What must hold for it to count: a formula over the attribute values of that moment."""
    optional: StrictBool = False
    """Going on without it is allowed; never the first or the last step."""
    within: Duration | None = None
    """How long after the previous step it still counts, such as 90s, 30m, 12h, 7d, 2w."""
    min_gap: Duration | None = None
    """How long after the previous step it counts at the earliest."""

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """A step may be written in short, which the fields do not say."""
        written_out = handler.resolve_ref_schema(handler(core_schema))
        written_out["required"] = []
        written_out["oneOf"] = [{"required": ["states"]}, {"required": ["outcome"]}]
        short = [TypeAdapter(kind).json_schema() for kind in (StateReference, SomeStateReferences)]
        return {
            "description": "One state, a list of states, or a mapping with states or an outcome.",
            "anyOf": [*short, written_out],
        }

    @model_validator(mode="before")
    @classmethod
    def _short_forms(cls, data: object) -> object:
        """A step may be written as one state, or as a list of states; a name follows from them."""
        if isinstance(data, str):
            return {"name": data, "states": [data]}
        if isinstance(data, list):
            states = cast("list[object]", data)
            return {"name": _joined(states), "states": states}
        if isinstance(data, dict):
            step = cast("dict[str, object]", data)
            states, outcome = step.get("states"), step.get("outcome")
            if "name" not in step and isinstance(states, list):
                return {"name": _joined(cast("list[object]", states)), **step}
            if "name" not in step and isinstance(outcome, str):
                return {"name": outcome, **step}
        return cast("object", data)

    @model_validator(mode="after")
    def _one_of_both(self) -> FunnelStep:
        is_empty = "states" in self.model_fields_set and not self.states  # said elsewhere
        if not is_empty and bool(self.states) == (self.outcome is not None):
            raise not_allowed("states, or an outcome, and not both")
        return self


def _joined(states: list[object]) -> str:
    return " | ".join(state.strip() for state in states if isinstance(state, str)) or "-"


class FunnelBreakdown(Part):
    """An attribute by whose values a funnel is counted apart."""

    attribute: AttributeReference
    """The attribute, by shortId or id."""
    at: Literal["entry", "now"] = "entry"
    """Which value counts: the one at the entry into the funnel, or the latest one."""

    @model_validator(mode="before")
    @classmethod
    def _short_form(cls, data: object) -> object:
        return {"attribute": data} if isinstance(data, str) else data

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """It may be written in short, which the fields do not say."""
        written_out = handler.resolve_ref_schema(handler(core_schema))
        short = TypeAdapter(AttributeReference).json_schema()
        return {
            "description": "An attribute, or a mapping that says which of its values counts.",
            "anyOf": [short, written_out],
        }


class Funnel(Part):
    """Named steps in order; `within` is measured from step 1, None means without limit."""

    name: Label
    """The name of the funnel in the tables; used once."""
    steps: tuple[FunnelStep, ...] = Field(json_schema_extra={"minItems": 1})
    """The steps in order; each is a state, a list of states, or a mapping."""
    within: Duration | None = None
    """How long a process may take from step 1, such as 90s, 30m, 12h, 7d, 2w."""
    exclude: StateReferences = ()
    """Entering any of these states on the way ends the attempt."""
    entry: Literal["first", "best"] = "first"
    """Which visit to step 1 begins: the first, or the one from which the process gets furthest."""
    breakdowns: tuple[FunnelBreakdown, ...] = ()
    """Attributes by whose values the funnel is counted apart, in a table of their own."""
