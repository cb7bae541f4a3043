"""The files of this folder that are made from what the code says: types, rules, the record, JSON
Schemas.

`uv run python -m schemas.documentation` writes them anew. What the pages say stands in the modules
they are made from; a page is a function here that gives its text, and a line of `PAGES`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from schemas.attribute_rules import SENTENCES, rule_names
from schemas.attribute_types import BY_NAME, AttributeType
from schemas.definitions import (
    Attribute,
    DerivedAttribute,
    Procedure,
    Procedures,
    RecordAttribute,
    State,
)
from schemas.json_schema import calendar_schema_text, schema_text
from schemas.record_page import INTRODUCTION, example_line, field_rows
from schemas.rule_book import all_rules
from schemas.rules import Rule

FOLDER = Path(__file__).parent
_NAME = "<shortId>"
_ANY_ID = "00000000-0000-4000-8000-000000000000"
_MADE = "<!-- Made by `uv run python -m schemas.documentation`; changes here are lost. -->"


def attribute_types_page() -> str:
    """One row a type: what it is, what it accepts, its column, macro and rules."""
    rows = (_type_row(kind) for kind in BY_NAME.values())
    names = ("type", "is", "accepts", "column", "macro", "rules", "personal")
    return _page(
        "Attribute types",
        "A value that is missing, JSON null or the empty text is null and breaks no rule but "
        "`required`. A value that does not convert is null and breaks `type`; one that is not "
        "among the options, and be it an option's label, is null and breaks `isin`. An array "
        "where one value is expected does not convert, nor does one value where an array is. One "
        "bad member spoils its array or object. A number or a boolean that arrives as text "
        "converts, and breaks `as_text`.",
        "`macro` is the conversion in `transforms/macros.sql`, and the rules are those of "
        "[rules.md](rules.md). Values of personal attributes are masked in `violations`; the key "
        "`personal` of an attribute overrides the default given here. A type with several columns "
        "gives the wide table each of them in place of the attribute's own.",
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
        _table(
            ("rule", "severity", "sentence"),
            ((f"`{rule.id}`", rule.severity, _sentence(rule)) for rule in rules),
        ),
    )


def record_page() -> str:
    """One row a key of the process record, and a line to begin with."""
    return _page(
        "The process record",
        *INTRODUCTION,
        f"```json\n{example_line()}\n```",
        _table(("key", "required", "type", "is"), field_rows()),
        "Which rules a line must keep, and what becomes of it else, is in [rules.md](rules.md); "
        "how values of attributes are read is in [attribute_types.md](attribute_types.md).",
    )


PAGES: Mapping[str, Callable[[], str]] = {
    "attribute_types.md": attribute_types_page,
    "rules.md": rules_page,
    "record.md": record_page,
    "procedure.schema.json": schema_text,
    "calendar.schema.json": calendar_schema_text,
}
"""The file of each page, in this folder, and what gives its text."""


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
        "yes" if kind.personal else "",
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
