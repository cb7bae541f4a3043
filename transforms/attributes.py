"""SQL that takes attribute values out of `data` and `derivedData`, built through sqlglot.

One implementation for validation and for the wide tables, so that both see the same values. The
conversions themselves are macros (`macros.sql`); which type uses which is in `attribute_types.py`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from sqlglot import exp

from schemas.attribute_types import BY_NAME
from schemas.attribute_values import DOCUMENTS, Source, Value, raw
from schemas.definitions import Procedure


def read_values(
    values: Sequence[Value],
    *,
    source: str,
    keep: Sequence[str],
    time_zone: str,
    present: Collection[str] | None = None,
) -> exp.Select:
    """Select `keep` and, per value, its JSON text `raw(column)` and its typed `column`.

    Grain: one row per row of `source`, which has JSON text columns `data` and `derived_data`. A key
    may be the attribute's id, its shortId or a former one; the first of these that is there wins,
    even with null.
    Missing, JSON null and the empty text are null. Values outside an enum's options are kept:
    `options_only` drops them. `present` names the keys that occur at all, where that is known: the
    rest is not looked for.
    """
    # Expressions are changed in place: a copy a step would cost as much as running the query.
    texts = _texts(values, source, keep, present).subquery("texts", copy=False)
    select = _kept(keep).from_(texts, copy=False)
    for value in values:
        select.select(exp.column(raw(value.column), quoted=True), copy=False)
    for value in values:
        select.select(_alias(convert(value, time_zone), value.column), copy=False)
    return select


def read_changes(procedure: Procedure, values: Sequence[Value], keep: Sequence[str]) -> exp.Select:
    """`read_values` of the versions that may have changed a value: the first, and others with
    other data than the one before. `keep` are columns of `versions`.

    Most versions change a state or an owner: their documents need not be read.
    """
    documents = (
        exp.select(*(f"v.{name}" for name in keep), "r.data", "r.derived_data")
        .from_(exp.alias_(exp.to_table("versions"), "v", table=True))
        .join(
            exp.alias_(exp.to_table("raw_versions"), "r", table=True),
            on="r.ingest_seq = v.ingest_seq and r.process_id = v.process_id",
        )
        .where(
            exp.EQ(
                this=exp.column("procedure", "v"),
                expression=exp.Literal.string(procedure.short_id),
            )
        )
        .where("v.version_no = 1 or v.data_hash <> v.previous_data_hash")
    )
    typed = read_values(values, source="documents", keep=keep, time_zone=procedure.timezone)
    return typed.with_("documents", as_=documents)


def read_content(
    values: Sequence[Value],
    *,
    source: str,
    keep: Sequence[str],
    time_zone: str,
    present: Collection[str],
    strange: Collection[Source],
) -> exp.Select:
    """`read_values`, and per document a fingerprint `<document>_hash` of its content.

    Two documents have the same fingerprint when they hold the same values under the same
    attributes, whatever the key convention, the order of keys and the white space. `strange` names
    the documents with undeclared keys, which count as well; the column `is_strange` says where.
    """
    select = read_values(values, source=source, keep=keep, time_zone=time_zone, present=present)
    for document in DOCUMENTS:
        mine = [v for v in values if v.source == document and {*v.keys} & set(present)]
        undeclared = None
        if document in strange:
            undeclared = _undeclared_members(document, [v for v in values if v.source == document])
            select.args["from_"].this.this.select(exp.column(document), copy=False)
        fingerprint = _hash(mine, undeclared)
        select.select(_alias(fingerprint, f"{document}_hash"), copy=False)
    return select


def convert(value: Value, time_zone: str) -> exp.Expr:
    """The typed value, from the JSON text in column `raw(value.column)`."""
    conversion = BY_NAME[value.type].conversion
    arguments: list[exp.Expr] = [exp.column(raw(value.column), quoted=True)]
    if conversion.zoned:
        arguments.append(exp.Literal.string(time_zone))
    if conversion.of_states:
        arguments += [_texts_array(value.names.keys()), _texts_array(value.names.values())]
    return exp.cast(_call(conversion.macro, *arguments), conversion.sql_type, dialect="duckdb")


def options_only(value: Value, expression: exp.Expr) -> exp.Expr:
    """`expression`, or null where the value (or one of a list) is not among the options."""
    if not value.options:
        return expression
    options = exp.array(*(exp.convert(option) for option in value.options))
    is_list = BY_NAME[value.type].shape == "list"
    allowed = _call("list_has_all" if is_list else "list_contains", options, expression)
    return exp.Case().when(allowed, expression.copy())


def column_values(value: Value, expression: exp.Expr) -> dict[str, exp.Expr]:
    """What each column of the wide table for `value` holds; `expression` is the typed value."""
    if not BY_NAME[value.type].conversion.parts:
        return {value.target: expression}
    parts = zip(value.columns, BY_NAME[value.type].conversion.parts, strict=True)
    return {
        column: _call("struct_extract", expression.copy(), exp.Literal.string(part))
        for column, part in parts
    }


def _texts(
    values: Sequence[Value],
    source: str,
    keep: Sequence[str],
    present: Collection[str] | None,
) -> exp.Select:
    """The JSON text of each value, from one parse of each document."""
    lists = _kept(keep).select(*map(exp.column, DOCUMENTS)).from_(source)
    select = _kept(keep)
    for document in DOCUMENTS:
        mine = [value for value in values if value.source == document]
        keys = [k for v in mine for k in v.keys if present is None or k in present]
        if keys:
            pointers = exp.array(*(exp.Literal.string(_pointer(key)) for key in keys))
            found = _call("json_extract", exp.column(document), pointers)
            lists.select(_alias(found, f"{document}_values"), copy=False)
        for value in mine:
            places = [keys.index(key) + 1 for key in value.keys if key in keys]
            text = _json_text(document, places)
            select.select(_alias(text, raw(value.column)), copy=False)
    return select.from_(lists.subquery("lists", copy=False), copy=False)


def _json_text(document: str, places: Sequence[int]) -> exp.Expr:
    if not places:
        return exp.cast(exp.null(), "VARCHAR")
    found = [
        exp.cast(
            _call("list_extract", exp.column(f"{document}_values"), exp.Literal.number(place)),
            "VARCHAR",
        )
        for place in places
    ]
    text = found[0] if len(found) == 1 else _call("coalesce", *found)
    for missing in ("null", '""'):
        text = _call("nullif", text, exp.Literal.string(missing))
    return text


def _hash(values: Sequence[Value], undeclared: exp.Expr | None) -> exp.Expr:
    # `||` is null when a part is, so a missing value adds nothing; `concat_ws` skips it.
    members: list[exp.Expr] = [
        exp.DPipe(
            this=exp.Literal.string(f"{value.id}:"),
            expression=exp.column(raw(value.column), quoted=True),
        )
        for value in values
    ]
    members.append(undeclared or exp.cast(exp.null(), "VARCHAR"))
    return _call("md5_number_lower", _call("concat_ws", exp.Literal.string(","), *members))


def _undeclared_keys(values: Sequence[Value], document: str) -> exp.Expr:
    """The keys of a document that no attribute has, as a list; empty when there are none."""
    known = [k for v in values if v.source == document for k in v.keys]
    among = _call("list_contains", exp.array(*map(exp.Literal.string, known)), exp.column("k"))
    return _call(
        "list_filter",
        _call("json_keys", exp.column(document)),
        exp.Lambda(this=exp.not_(among), expressions=[exp.to_identifier("k")], colon=True),
    )


def _undeclared_members(document: str, values: Sequence[Value]) -> exp.Expr:
    key = exp.column("k")
    pointer: exp.Expr = key
    for plain, escaped in (("~", "~0"), ("/", "~1")):
        pointer = _call("replace", pointer, exp.Literal.string(plain), exp.Literal.string(escaped))
    pointer = _call("concat", exp.Literal.string("/"), pointer)
    found = exp.cast(_call("json_extract", exp.column(document), pointer), "VARCHAR")
    member = exp.Lambda(
        this=_call("concat", _call("to_json", key.copy()), exp.Literal.string(":"), found),
        expressions=[exp.to_identifier("k")],
        colon=True,
    )
    members = _call(
        "list_transform", _call("list_sort", _undeclared_keys(values, document)), member
    )
    text = _call("array_to_string", members, exp.Literal.string(","))
    return exp.Case().when(exp.column("is_strange"), _call("nullif", text, exp.Literal.string("")))


def _texts_array(texts: Iterable[str]) -> exp.Expr:
    # The type is spelt out for an array without members.
    return exp.cast(exp.array(*map(exp.Literal.string, texts)), "VARCHAR[]", dialect="duckdb")


def _pointer(key: str) -> str:
    return "/" + key.replace("~", "~0").replace("/", "~1")


def _kept(names: Sequence[str]) -> exp.Select:
    return exp.select(*(exp.column(name) for name in names))


def _call(name: str, *arguments: exp.Expr) -> exp.Expr:
    return exp.Anonymous(this=name, expressions=list(arguments))


def _alias(expression: exp.Expr, name: str) -> exp.Expr:
    return exp.alias_(expression, name, quoted=True)
