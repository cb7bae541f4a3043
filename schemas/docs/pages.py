"""Generates the pages and JSON Schemas of this folder: `uv run python -m schemas.docs.pages`.

A page is a function that returns its text, and a line of `PAGES`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from schemas.definitions.attribute_types import BY_NAME, AttributeType
from schemas.definitions.procedure import (
    Attribute,
    DerivedAttribute,
    Procedure,
    Procedures,
    RecordAttribute,
    State,
)
from schemas.docs.activities_page import INTRODUCTION as INTRODUCTION_TO_ACTIVITIES
from schemas.docs.activities_page import example_of, key_rows
from schemas.docs.json_schema import calendar_schema_text, schema_text, source_schema_text
from schemas.docs.record_page import INTRODUCTION, example_line, field_rows
from schemas.records.activities import ACTIVITIES
from schemas.records.all_rules import all_rules
from schemas.records.attribute_rules import SENTENCES, rule_names
from schemas.records.rule import Rule

FOLDER = Path(__file__).parent
_NAME = "<shortId>"
_ANY_ID = "00000000-0000-4000-8000-000000000000"
_MADE = "<!-- Made by `uv run python -m schemas.docs.pages`; changes here are lost. -->"


def attribute_types_page() -> str:
    """One row per type: its meaning, accepted values, column, macro and rules."""
    rows = (_type_row(kind) for kind in BY_NAME.values())
    names = ("type", "meaning", "accepts", "column", "macro", "rules", "personal")
    return _page(
        "Attribute types",
        "A value that is missing, JSON null or empty text is null and breaks no rule except "
        "`required`. A value that does not convert is null and breaks `type`; one that is not "
        "among the options (an option's label is not) is null and breaks `isin`. An array does not "
        "convert where a single value is expected, nor a single value where an array is. One "
        "invalid member makes its array or object invalid. A number or boolean sent as text "
        "converts, and breaks `as_text`.",
        "`macro` is the conversion in `transforms/macros/`, and the rules are those of "
        "[rules.md](rules.md). Values of attributes that are (`direct`) or may be (`indirect`) "
        "personal are masked in `violations`; the key `personal` of an attribute (`direct`, "
        "`indirect` or `no`) overrides the default given here. In the published database `direct` "
        "values are keys (`<column>_key`) and `indirect` ones are left out, unless the attribute "
        "has `publish: clear`, `key` or `drop`. A type with several columns "
        "adds each of them to the wide table in place of one column.",
        _table(names, rows),
    )


def rules_page() -> str:
    """Every rule with its severity and its sentence; those of attributes once, by `<shortId>`."""
    rules = [rule for rule, _ in all_rules(Procedures((_sample(),), {}))]
    return _page(
        "Rules",
        "`reject`: the version goes to `quarantine`. `null`: the one value becomes null, the "
        "version stays. `flag`: nothing changes. Values that are nulled or flagged are rows of "
        f"`violations`. `{_NAME}` stands for the shortId of an attribute. In a procedure with "
        "`strict: true` the `type` and `isin` of attributes reject.",
        "The key `rules` of a procedure changes the severity of rules that begin with `core:` or "
        "`graph:`: `rules: {core:completed_at:open: reject}`. `off` silences a rule. A rule about "
        "one version can reject new versions, or null the one value where it is optional; a rule "
        "about several versions or processes is `flag` or `off`. Versions that were accepted "
        "before a rule was raised stay.",
        _table(
            ("rule", "severity", "sentence"),
            ((f"`{rule.id}`", rule.severity, _sentence(rule)) for rule in rules),
        ),
    )


def record_page() -> str:
    """One row per key of the process record, and an example."""
    return _page(
        "The process record",
        *INTRODUCTION,
        f"```json\n{example_line()}\n```",
        _table(("key", "required", "type", "meaning"), field_rows()),
        "[rules.md](rules.md) lists the rules for a line and what happens if it breaks one; "
        "[attribute_types.md](attribute_types.md) how values of attributes are read.",
    )


def activities_page() -> str:
    """One row per key of a task and of a call, and an example of each."""
    parts = [
        part
        for activity in ACTIVITIES
        for part in (
            f"## {activity.capitalize()}",
            f"```json\n{example_of(activity)}\n```",
            _table(("key", "required", "type", "meaning"), key_rows(activity)),
        )
    ]
    return _page("Tasks and calls", *INTRODUCTION_TO_ACTIVITIES, *parts)


PAGES: Mapping[str, Callable[[], str]] = {
    "attribute_types.md": attribute_types_page,
    "rules.md": rules_page,
    "record.md": record_page,
    "activities.md": activities_page,
    "procedure.schema.json": schema_text,
    "calendar.schema.json": calendar_schema_text,
    "source.schema.json": source_schema_text,
}
"""The file of each page in this folder, and the function that returns its text."""


def write_pages() -> None:
    """Write every page to its file."""
    for name, page in PAGES.items():
        (FOLDER / name).write_text(page(), encoding="utf-8")


def _type_row(kind: AttributeType) -> Sequence[str]:
    columns = kind.columns("<column>")
    shown = (
        f"`{kind.sql_type}`"
        if len(columns) == 1
        else ", ".join(f"`{name}` `{sql_type}`" for name, sql_type in columns.items())
    )
    return (
        f"`{kind.name}`",
        kind.description,
        kind.conversion.accepts,
        shown,
        f"`{kind.conversion.macro}`",
        ", ".join(f"`{name}`" for name in rule_names(kind)),
        "" if kind.privacy == "no" else kind.privacy,
    )


def _sample() -> Procedure:
    """A procedure whose attributes have every rule an attribute can have."""
    options = (1,)
    return Procedure(
        id=_ANY_ID,
        short_id="sample",
        attributes=(
            Attribute(
                id=_ANY_ID, short_id=_NAME, type="integerEnum", options=options, required=True
            ),
        ),
        derived_attributes=(
            DerivedAttribute(
                id=_ANY_ID, short_id=_NAME, type="integerEnum", options=options, formula="1"
            ),
        ),
        record_attributes=(
            RecordAttribute(id=_ANY_ID, short_id=_NAME, type="integerEnum", options=options),
        ),
        states=(State(id=_ANY_ID, short_id="NEW", kind="queue"),),
        start_state="NEW",
        completed_state="NEW",
    )


def _sentence(rule: Rule) -> str:
    stem, _, end = rule.id.rpartition(":")
    if stem in (f"attr:{_NAME}", f"derived:{_NAME}") and end in SENTENCES:
        return (
            SENTENCES[end][1]
            .format(name=_NAME, type="its type", shape="a number or a boolean", n_options="")
            .replace("  ", " ")
        )
    return rule.sentence.replace("converts to integerEnum", "converts to its type")


def _page(title: str, *parts: str) -> str:
    return "\n\n".join((f"# {title}", _MADE, *parts)) + "\n"


def _table(names: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [names, ["---"] * len(names), *rows]
    return "\n".join(
        f"| {' | '.join(cell.replace('|', '&#124;') for cell in line)} |" for line in lines
    )


if __name__ == "__main__":
    write_pages()
