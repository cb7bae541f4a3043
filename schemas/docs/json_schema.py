"""JSON Schemas of procedures, calendars and sources, generated from the models, for editors.

They cover one part at a time; `leadtime check` also checks rules between parts.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode, JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from schemas.definitions.calendar import Calendar
from schemas.definitions.procedure import Procedure
from schemas.definitions.source import Source
from schemas.definitions.values import ENUM_OPTION_TYPES
from schemas.records.all_rules import changeable_rules

SCHEMA_FILE = Path(__file__).parent / "procedure.schema.json"
CALENDAR_SCHEMA_FILE = SCHEMA_FILE.with_name("calendar.schema.json")
SOURCE_SCHEMA_FILE = SCHEMA_FILE.with_name("source.schema.json")

_JSON_TYPES = {str: "string", int: "integer", float: "number"}


class _Generator(GenerateJsonSchema):
    """Schemas without what says nothing to an author: repeated titles, and defaults of nothing."""

    def generate(self, schema: CoreSchema, mode: JsonSchemaMode = "validation") -> JsonSchemaValue:
        made = super().generate(schema, mode)
        for part in cast("dict[str, JsonSchemaValue]", made["$defs"]).values():
            if {"type", "options"} <= part.get("properties", {}).keys():
                part["allOf"] = list(_options_by_type())
        return {"$schema": self.schema_dialect, **made}

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002 - not ours
        return False

    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchemaValue:
        made = super().model_schema(schema)
        made.pop("title", None)
        return made

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        made = super().default_schema(schema)
        if made.get("default") in (None, "", []):
            made.pop("default", None)
        return made


def procedure_schema() -> dict[str, Any]:
    """The schema, in dialect 2020-12; keys are those of the files, with a description each."""
    made = _titled("Procedure definition", Procedure)
    made["properties"]["rules"]["propertyNames"] = {"enum": list(changeable_rules())}
    return made


def calendar_schema() -> dict[str, Any]:
    """The schema of a calendar's file, as `procedure_schema`."""
    return _titled("Calendar of working time", Calendar)


def source_schema() -> dict[str, Any]:
    """The schema of a source's file, as `procedure_schema`."""
    return _titled("Source of landing files of another shape", Source)


def schema_text() -> str:
    """The schema as it stands in `SCHEMA_FILE`."""
    return _as_text(procedure_schema())


def calendar_schema_text() -> str:
    """The schema as it stands in `CALENDAR_SCHEMA_FILE`."""
    return _as_text(calendar_schema())


def source_schema_text() -> str:
    """The schema as it stands in `SOURCE_SCHEMA_FILE`."""
    return _as_text(source_schema())


def _titled(title: str, model: type[BaseModel]) -> dict[str, Any]:
    made = model.model_json_schema(by_alias=True, schema_generator=_Generator)
    return {"$schema": made.pop("$schema"), "title": title, **made}


def _as_text(schema: Mapping[str, Any]) -> str:
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def _options_by_type() -> list[Mapping[str, Any]]:
    """Enums need options of their kind; other types have none."""
    by_kind: dict[str, list[str]] = {}
    for name, kinds in ENUM_OPTION_TYPES.items():
        by_kind.setdefault(_JSON_TYPES[kinds[0]], []).append(name)
    rules: list[Mapping[str, Any]] = [
        {
            "if": _with_type({"enum": names}),
            "then": {
                "properties": {
                    "options": {"items": {"type": kind}, "minItems": 1, "uniqueItems": True}
                },
                "required": ["options"],
            },
        }
        for kind, names in by_kind.items()
    ]
    no_enum = _with_type({"not": {"enum": list(ENUM_OPTION_TYPES)}})
    return [*rules, {"if": no_enum, "then": {"properties": {"options": {"maxItems": 0}}}}]


def _with_type(condition: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"properties": {"type": condition}, "required": ["type"]}
