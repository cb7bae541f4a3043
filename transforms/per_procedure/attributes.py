"""SQL that takes attribute values out of `data` and `derivedData`.

Validation and the wide tables both use it, so that they see the same values. The conversions are
macros (`transforms/macros/`); `schemas/definitions/attribute_types.py` says which type uses which.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence

from schemas.definitions.attribute_types import BY_NAME
from schemas.definitions.procedure import Procedure
from schemas.definitions.values import Option
from schemas.records.attribute_values import DOCUMENTS, Source, Value, ignored
from schemas.records.limits import raw
from schemas.sql_text import listed, literal, quoted

_EXACT = "DECIMAL(38,9)"
# A double holds 15 digits of any number.
_MAY_BE_INEXACT = "[0-9.]{16}"

# Each document is parsed once, for all its values.
_VALUES = """\
select
    {columns}
from (
    select
        {texts}
    from (
        select
            {lists}
        from {source}
    ) as lists
) as texts"""

_CHANGES = """\
with documents as (
    select
        {columns}
    from versions as v
    inner join raw_versions as r
        on r.ingest_seq = v.ingest_seq and r.process_id = v.process_id
    where
        v.procedure = {procedure}
        and (
            v.version_no = 1
            or v.is_new_procedure
            or v.data_hash <> v.previous_data_hash
            or v.follows_erased
        )
)

{values}"""

# As a map the document is parsed once, however many of its keys are undeclared.
_UNDECLARED_MEMBERS = """\
case
    when has_undeclared_keys then nullif(
        array_to_string(
            list_transform(
                list_sort(
                    list_filter(
                        map_entries(json_transform({document}, '"MAP(VARCHAR, JSON)"')),
                        lambda e: not list_contains({known}, e.key)
                    )
                ),
                lambda e: concat(to_json(e.key), ':', coalesce(e.value::varchar, 'null'))
            ),
            ','
        ),
        ''
    )
end"""


def read_values(
    values: Sequence[Value],
    *,
    source: str,
    keep: Sequence[str],
    time_zone: str,
    present: Collection[str] | None = None,
) -> str:
    """Select `keep` and, per value, its JSON text `raw(column)` and its typed `column`.

    Grain: one row per row of `source`, which has JSON text columns `data` and `derived_data`. A key
    may be the attribute's id, its shortId or a former one; the first of these in the document
    counts, even if it is null. Missing, JSON null and the empty text are null. Values outside an
    enum's options are kept: `options_only` drops them. `present` names the keys that occur at all,
    if that is known; other keys are not looked for.
    """
    return _select(values, source, keep, time_zone, present)


def read_changes(procedure: Procedure, values: Sequence[Value], keep: Sequence[str]) -> str:
    """`read_values` of the versions that may have changed a value: the first one, the first after
    a change of procedure, those with other data than the one before, and the first after erased
    ones. `keep` are columns of `versions`.

    Most versions change a state or an owner: their documents are not read.
    """
    return _CHANGES.format(
        columns=listed([*(f"v.{name}" for name in keep), "r.data", "r.derived_data"], 8),
        procedure=literal(procedure.short_id),
        values=read_values(values, source="documents", keep=keep, time_zone=procedure.timezone),
    )


def read_content(
    values: Sequence[Value],
    *,
    source: str,
    keep: Sequence[str],
    time_zone: str,
    present: Collection[str],
    with_undeclared: Collection[Source],
    repeated: Collection[Value] = (),
) -> str:
    """`read_values`, and per document a fingerprint `<document>_hash` of its content.

    Two documents have the same fingerprint when they hold the same values under the same
    attributes, whatever the key convention, the order of keys and the white space.
    `with_undeclared` names the documents with undeclared keys, which count as well; the column
    `has_undeclared_keys` says where. For the `repeated` values, which some document holds under
    several keys, the column `ignored(column)` has the text of another key where it differs.
    """
    texts: list[str] = []
    columns: list[str] = []
    for value in repeated:
        places = _places(values, value.source, present)
        other = _ignored_text(value, {k: places[k] for k in value.keys if k in places})
        name = quoted(ignored(value.column))
        texts.append(f"{other} as {name}")
        columns.append(name)
    for document in DOCUMENTS:
        of_document = [v for v in values if v.source == document]
        undeclared = "null::varchar"
        if document in with_undeclared:
            known = literals(key for value in of_document for key in value.keys)
            undeclared = _UNDECLARED_MEMBERS.format(document=document, known=known)
            texts.append(document)
        found = [v for v in of_document if {*v.keys} & {*present}]
        columns.append(f"{content_hash(found, undeclared)} as {document}_hash")
    return _select(values, source, keep, time_zone, present, texts=texts, columns=columns)


def convert(value: Value, time_zone: str) -> str:
    """The typed value, from the JSON text in column `raw(value.column)`."""
    conversion = BY_NAME[value.type].conversion
    arguments = [quoted(raw(value.column))]
    if conversion.zoned:
        arguments.append(literal(time_zone))
    if conversion.of_states:
        arguments += [literals(value.names.keys()), literals(value.names.values())]
    return f"{conversion.macro}({', '.join(arguments)})::{conversion.sql_type}"


def options_only(value: Value, expression: str) -> str:
    """`expression`, or null where the value (or one of a list) is not among the options."""
    if not value.options:
        return expression
    options = f"[{', '.join(map(_constant, value.options))}]"
    among = "list_has_all" if BY_NAME[value.type].shape == "list" else "list_contains"
    return f"case when {among}({options}, {expression}) then {expression} end"


def column_values(value: Value, expression: str) -> dict[str, str]:
    """What each column of the wide table for `value` holds; `expression` is the typed value."""
    parts = BY_NAME[value.type].conversion.parts
    if not parts:
        return {value.target: expression}
    return {
        column: f"struct_extract({expression}, {literal(part)})"
        for column, part in zip(value.columns, parts, strict=True)
    }


def kept_columns(values: Iterable[Value]) -> dict[str, str]:
    """The columns of the wide table for `values`, from their typed columns: options only."""
    columns: dict[str, str] = {}
    for value in values:
        columns |= column_values(value, options_only(value, quoted(value.column)))
    return columns


def literals(texts: Iterable[str]) -> str:
    """A list of texts; its type is spelt out for a list without members."""
    return f"[{', '.join(map(literal, texts))}]::varchar[]"


def _select(
    values: Sequence[Value],
    source: str,
    keep: Sequence[str],
    time_zone: str,
    present: Collection[str] | None,
    *,
    texts: Sequence[str] = (),
    columns: Sequence[str] = (),
) -> str:
    """The query of `read_values` with further `texts` and `columns`."""
    lists = [*keep, *DOCUMENTS]
    own_texts: list[str] = []
    for document in DOCUMENTS:
        places = _places(values, document, present)
        if places:
            (parent,) = {value.parent for value in values if value.source == document}
            pointers = ", ".join(literal(pointer_to(parent, key)) for key in places)
            lists.append(f"json_extract({document}, [{pointers}]) as {document}_values")
            is_long = f"regexp_matches({document}, {literal(_MAY_BE_INEXACT)})"
            lists.append(f"{is_long} as {document}_has_long_number")
        for value in (v for v in values if v.source == document):
            text = _json_text(value, {key: places[key] for key in value.keys if key in places})
            own_texts.append(f"{text} as {quoted(raw(value.column))}")
    raw_names = (quoted(raw(value.column)) for value in values)
    typed = (f"{convert(value, time_zone)} as {quoted(value.column)}" for value in values)
    return _VALUES.format(
        columns=listed([*keep, *raw_names, *typed, *columns], 4),
        texts=listed([*keep, *own_texts, *texts], 8),
        lists=listed(lists, 12),
        source=source,
    )


def _places(
    values: Sequence[Value], document: Source, present: Collection[str] | None
) -> dict[str, int]:
    """The keys to extract from a document, each with its place in the list of what is found."""
    keys = [k for v in values if v.source == document for k in v.keys]
    found = dict.fromkeys(key for key in keys if present is None or key in present)
    return {key: place for place, key in enumerate(found, start=1)}


def _ignored_text(value: Value, places: Mapping[str, int]) -> str:
    """The first text under a key that does not count, where it differs from the one that does."""
    others = ", ".join(_present(_text_under(value, *item)) for item in list(places.items())[1:])
    differs = f"t is not null and t is distinct from {_json_text(value, places)}"
    return f"list_extract(list_filter([{others}], lambda t: {differs}), 1)"


def _json_text(value: Value, places: Mapping[str, int]) -> str:
    """The text under the first key present; `places` are those in `data_values` (and alike)."""
    if not places:
        return "null::varchar"
    found = [_text_under(value, key, place) for key, place in places.items()]
    return _present(found[0] if len(found) == 1 else f"coalesce({', '.join(found)})")


def _text_under(value: Value, key: str, place: int) -> str:
    text = f"list_extract({value.source}_values, {place})::varchar"
    if BY_NAME[value.type].sql_type != _EXACT:
        return text
    # DuckDB extracts a number with a fraction as a double, but transforms it with all its digits.
    shape = {value.parent: {key: _EXACT}} if value.parent else {key: _EXACT}
    exact = f"json_transform({value.source}, {literal(json.dumps(shape))})"
    for member in filter(None, (value.parent, key)):
        exact = f"struct_extract({exact}, {literal(member)})"
    is_long = f"""{value.source}_has_long_number and not starts_with({text}, '"')"""
    return f"case when {is_long} then coalesce({exact}::varchar, {text}) else {text} end"


def _present(text: str) -> str:
    return f"nullif(nullif({text}, 'null'), '\"\"')"


def content_hash(values: Iterable[Value], undeclared: str = "null::varchar") -> str:
    """The fingerprint of a document from the JSON texts of its `values`, in columns `raw(column)`.

    `undeclared` has the members of the document that are no values.
    """
    # `||` is null when a part is, so a missing value adds nothing; `concat_ws` skips it.
    members = [f"{literal(f'{value.id}:')} || {quoted(raw(value.column))}" for value in values]
    return f"md5_number_lower(concat_ws(',', {', '.join([*members, undeclared])}))"


def _constant(option: Option) -> str:
    return literal(option) if isinstance(option, str) else str(option)


def pointer_to(parent: str, key: str) -> str:
    """The JSON pointer to a member of a document, or of the object `parent` in it."""
    names = filter(None, (parent, key))
    return "".join("/" + name.replace("~", "~0").replace("/", "~1") for name in names)
