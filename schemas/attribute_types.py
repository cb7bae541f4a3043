"""The attribute types of the platform: one row a type, saying how its JSON value becomes a column.

The conversion itself is a SQL macro of the same name in `transforms/macros.sql`; this module only
names it. What a procedure declares belongs in `definitions.py`, the checks in `attribute_rules.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Shape = Literal["text", "number", "boolean", "list", "any"]


@dataclass(frozen=True)
class AttributeType:
    """One attribute type.

    `macro` converts the JSON text of a value (never null, never the empty text) to `sql_type`, or
    to null when it does not convert. `shape` is the JSON shape a value is expected in: numbers and
    booleans that arrive as text convert, and are flagged. `personal` is the default of the
    attribute's `personal` key; values of personal attributes are masked in `violations`.
    """

    name: str
    macro: str
    sql_type: str
    shape: Shape
    personal: bool = False
    options: bool = False
    zoned: bool = False


def _types() -> tuple[AttributeType, ...]:
    text = [("string", False), ("text", False), ("html", False), ("stringId", False)]
    personal_text = [("name", True), ("username", True), ("otp", True)]
    return (
        *(AttributeType(n, "to_text", "VARCHAR", "text", p) for n, p in text + personal_text),
        AttributeType("email", "to_email", "VARCHAR", "text", personal=True),
        AttributeType("phone", "to_phone", "VARCHAR", "text", personal=True),
        AttributeType("url", "to_url", "VARCHAR", "text"),
        AttributeType("integer", "to_integer", "BIGINT", "number"),
        AttributeType("integerId", "to_integer", "BIGINT", "number"),
        AttributeType("number", "to_double", "DOUBLE", "number"),
        AttributeType("float", "to_double", "DOUBLE", "number"),
        AttributeType("decimal", "to_decimal", "DECIMAL(38,9)", "number"),
        AttributeType("boolean", "to_boolean", "BOOLEAN", "boolean"),
        AttributeType("stringEnum", "to_text", "VARCHAR", "text", options=True),
        AttributeType("integerEnum", "to_integer", "BIGINT", "number", options=True),
        AttributeType("floatEnum", "to_double", "DOUBLE", "number", options=True),
        AttributeType("multiStringEnum", "to_text_list", "VARCHAR[]", "list", options=True),
        AttributeType("multiIntegerEnum", "to_integer_list", "BIGINT[]", "list", options=True),
        AttributeType("multiFloatEnum", "to_double_list", "DOUBLE[]", "list", options=True),
        AttributeType("date", "to_date", "DATE", "text"),
        AttributeType("time", "to_time", "TIME", "text"),
        AttributeType("datetime", "to_instant", "TIMESTAMP", "text", zoned=True),
        AttributeType("datetimeISO8601", "to_instant", "TIMESTAMP", "text", zoned=True),
        AttributeType("json", "to_json_value", "JSON", "any"),
    )


BY_NAME: dict[str, AttributeType] = {kind.name: kind for kind in _types()}
ATTRIBUTE_TYPES: tuple[str, ...] = tuple(BY_NAME)
