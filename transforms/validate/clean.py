"""Finds the versions that no rule objects to, in SQL, without validating them rule by rule.

A version is clean when every field and value has one of the forms that are known to break no rule.
That is decided on the safe side: whatever has another form is validated, and validation may find
nothing wrong with it. A clean version is stored exactly as validation would have accepted it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import duckdb
import polars as pl

from schemas.definitions.procedure import Procedure
from schemas.records.attribute_rules import SENTENCES
from schemas.records.attribute_values import DOCUMENTS, Source, Value, values_of
from schemas.records.limits import EARLIEST_MS, LATEST_PLANNED_MS, raw
from schemas.records.record import FIELDS, Field, core_rules
from schemas.records.rule import RuleError
from schemas.records.statuses import STATUSES
from schemas.sql_text import listed, literal, quoted
from transforms.frames import fetch_frame
from transforms.per_procedure.attributes import content_hash, pointer_to
from transforms.validate.plain_documents import plain_documents, plain_keys
from transforms.validate.validation import ACCEPTED, HASHES, known_states

# Documents are parsed for those records only whose fields are clean.
_CLEAN = """\
select
    {columns}
from (
    select
        *,
        {raws}
    from (
        select
            *,
            {texts}
        from (
            select
                *,
                {structs}
            from (
                select
                    line,
                    states.* exclude (written),
                    {fields}
                from records
                inner join (
                    values {states}
                ) as states (written, state_id, is_completed_state, is_done_state)
                    on states.written = records.state
                where
                    {conditions}
            )
            where
                {between}
        )
    )
)"""

# What the rules between fields ask for, by the end of their ids; true where a version keeps them.
_BETWEEN = {
    "updated_at:order": "updated_at >= created_at",
    "completed_at:missing": "status <> 'COMPLETED' or completed_at is not null",
    "cancelled_at:missing": "status <> 'CANCELLED' or cancelled_at is not null",
    "completed_at:open": "status <> 'OPEN' or completed_at is null",
    "cancelled_at:open": "status <> 'OPEN' or cancelled_at is null",
    "completed_at:cancelled": "status <> 'CANCELLED' or completed_at is null",
    "cancelled_at:completed": "status <> 'COMPLETED' or cancelled_at is null",
    "completed_at:order": "completed_at is null or completed_at between created_at and updated_at",
    "cancelled_at:order": "cancelled_at is null or cancelled_at between created_at and updated_at",
    "first_assigned_at:order": "first_assigned_at is null or first_assigned_at >= created_at",
    "last_assigned_at:order": (
        "first_assigned_at is null or last_assigned_at is null "
        "or last_assigned_at >= first_assigned_at"
    ),
    "entity_id:missing": "record_id is null or entity_id is not null",
    "parent_procedure:missing": "parent_process_id is null or parent_procedure is not null",
    "parent_process_id:missing": "parent_procedure is null or parent_process_id is not null",
    "next_action_at:closed": "next_action_at is null or status = 'OPEN'",
    "state_key:completed": "status <> 'COMPLETED' or is_completed_state",
    "state_key:open": "status <> 'OPEN' or not is_done_state",
    "entity_id:procedure": "entity_id is null or entity_id = {entity}",
}

# The rules that the condition on a field stands for, besides that it is required.
_OF_KIND = {
    "uuid": ("uuid", "isin"),
    "time": ("type", "range"),
    "boolean": ("type",),
    "object": ("type", "text"),
    "status": ("isin",),
    "state": ("isin",),
}

# The rules of attributes that the forms of values and the number of keys stand for.
_OF_VALUES = {"type", "one_value", "required", "as_text", "isin"}


@dataclass(frozen=True)
class CleanVersions:
    """Finds the clean versions of one procedure; make one with `of`."""

    query: str | None

    @classmethod
    def of(
        cls, con: duckdb.DuckDBPyConnection, procedure: Procedure, latest_ms: int
    ) -> CleanVersions:
        """`latest_ms` is the last instant a time may have.

        Raises `RuleError` when there is a rule that nothing here stands for.
        """
        _require_known_rules(latest_ms)
        patterns = plain_documents(procedure)
        if patterns is None or not all(_compiles(con, pattern) for pattern in patterns.values()):
            return cls(None)
        return cls(_query(procedure, patterns, latest_ms))

    def find(self, con: duckdb.DuckDBPyConnection) -> pl.DataFrame:
        """The clean versions of the procedure in `records`, as `ACCEPTED`.

        `records` has one row per line: `line` and the fields of the record by their names, as JSON
        text but for identifiers and words.
        """
        if self.query is None:
            return pl.DataFrame(schema=ACCEPTED)
        found = fetch_frame(con, self.query)
        is_clean = pl.all_horizontal(pl.col(HASHES).is_not_null())
        return found.filter(is_clean).select(*ACCEPTED).cast(pl.Schema(ACCEPTED))


def _require_known_rules(latest_ms: int) -> None:
    known = {f"core:{end}" for end in _BETWEEN}
    for field in FIELDS:
        known |= {f"core:{field.column}:{end}" for end in (*_OF_KIND[field.kind], "required")}
    unknown = {rule.id for rule in core_rules(latest_ms)} - known | {*SENTENCES} - _OF_VALUES
    if unknown:
        raise RuleError(f"no condition on clean versions stands for {sorted(unknown)}")


def _query(procedure: Procedure, patterns: Mapping[Source, str], latest_ms: int) -> str:
    names = {field.column: quoted(field.name) for field in FIELDS}
    conditions = [
        f"{names['procedure_id']} in ({_any_case(procedure.id)})",
        *filter(None, (_condition(field, latest_ms) for field in FIELDS)),
        *(
            f"regexp_full_match({_document(names[document])}, {literal(pattern)})"
            for document, pattern in patterns.items()
        ),
    ]
    entity = "entity_id" if procedure.entity is None else literal(procedure.entity)
    between = [condition.format(entity=entity) for condition in _BETWEEN.values()]
    fields = [f"{_converted(f, procedure)} as {f.column}" for f in FIELDS if f.kind != "state"]
    structs: list[str] = []
    texts: list[str] = []
    hashes: list[str] = []
    for document in DOCUMENTS:
        values = [value for value in values_of(procedure) if value.source == document]
        hash_ = content_hash(values)
        if values:
            structure = json.dumps({key: "JSON" for value in values for key in plain_keys(value)})
            structs.append(f"json_transform({document}, {literal(structure)}) as {document}_values")
            texts += [f"{_text(value)} as {quoted(_given(value))}" for value in values]
            hash_ = f"case when {_is_whole(document, values)} then {hash_} end"
        hashes.append(f"{hash_} as {document}_hash")
    raws = [
        f"nullif({quoted(_given(v))}, '\"\"') as {quoted(raw(v.column))}"
        for v in values_of(procedure)
    ]
    return _CLEAN.format(
        columns=listed([name for name in ACCEPTED if name not in HASHES] + hashes, 4),
        raws=listed(raws or ["1"], 8),
        texts=listed(texts or ["1"], 12),
        structs=listed(structs or ["1"], 16),
        fields=listed(fields, 20),
        states=", ".join(_written_states(procedure)),
        conditions="\n                    and ".join(f"({condition})" for condition in conditions),
        between="\n                and ".join(f"({condition})" for condition in between),
    )


def _given(value: Value) -> str:
    """The column with the text of a value, which may be empty."""
    return f"{value.column}:given"


def _any_case(id_: str) -> str:
    return ", ".join(map(literal, dict.fromkeys((id_, id_.upper()))))


def _written_states(procedure: Procedure) -> Iterator[str]:
    """The usual spellings of the states, as rows of SQL with what is known of the state."""
    known = {row["state_key"]: row for row in known_states([procedure]).to_dicts()}
    written = [(s.id, s.id.upper(), s.short_id) for s in procedure.states]
    spellings = pl.Series([spelling for state in written for spelling in state]).unique()
    for spelling, key in zip(spellings, spellings.str.to_lowercase(), strict=True):
        if row := known.get(key):
            facts = (row["is_completed_state"], row["is_done_state"])
            texts = (literal(spelling), literal(row["state_id"]), *map(str, facts))
            yield f"({', '.join(texts)})"


def _document(name: str) -> str:
    return f"coalesce(nullif({name}::varchar, 'null'), '{{}}')"


def _converted(field: Field, procedure: Procedure) -> str:
    """The stored value of a field that fulfils its condition."""
    name = quoted(field.name)
    if field.column == "procedure_id":
        return literal(procedure.id)
    match field.kind:
        case "uuid":
            return f"lower(nullif({name}, ''))"
        case "time":
            return f"nullif(try_cast({name}::varchar as bigint), 0)"
        case "boolean":
            return f"coalesce({name}::varchar = 'true', false)"
        case "object":
            return _document(name)
        case _:
            return name


def _condition(field: Field, latest_ms: int) -> str | None:
    """What a field must fulfil, as SQL that is never null; that of documents is their pattern."""
    name = quoted(field.name)
    match field.kind:
        case "uuid":
            # DuckDB also reads uuids in braces, or with other hyphens.
            is_clean = f"try_cast({name} as uuid)::varchar = lower({name})"
            is_missing = f"{name} is null or {name} = ''"
        case "time":
            latest = LATEST_PLANNED_MS if field.column == "next_action_at" else latest_ms
            text = f"{name}::varchar"
            number = f"try_cast({text} as bigint)"
            is_clean = f"{number}::varchar = {text} and {number} between {EARLIEST_MS} and {latest}"
            is_missing = f"{name} is null or {text} in ('null', '0')"
        case "boolean":
            is_clean = f"{name}::varchar in ('true', 'false')"
            is_missing = f"{name} is null or {name}::varchar = 'null'"
        case "status":
            return f"coalesce({name} in ({', '.join(map(literal, STATUSES))}), false)"
        case "object":
            return f"not coalesce(contains({name}::varchar, '\ufffd'), false)"
        case _:
            return None
    return f"coalesce({is_clean}, false)" + ("" if field.required else f" or {is_missing}")


def _compiles(con: duckdb.DuckDBPyConnection, pattern: str) -> bool:
    """Whether the pattern is not too large; a definition may have thousands of options."""
    try:
        con.execute("select regexp_full_match('', $pattern)", {"pattern": pattern}).fetchall()
    except duckdb.Error:
        return False
    return True


def _text(value: Value) -> str:
    members = [
        f"struct_extract({value.source}_values, {literal(key)})" for key in plain_keys(value)
    ]
    return f"coalesce({', '.join(members)})::varchar"


def _is_whole(document: Source, values: Sequence[Value]) -> str:
    """Whether a document has one key for each of its values, and all that are required."""
    given = {value.column: f"{quoted(_given(value))} is not null" for value in values}
    pointers = [
        literal(pointer_to(value.parent, key)) for value in values for key in plain_keys(value)
    ]
    places = iter(range(1, len(pointers) + 1))
    found = [
        f"coalesce({', '.join(f'l[{next(places)}]' for _ in plain_keys(value))})"
        for value in values
    ]
    # A struct does not tell a null from a missing key, but a list does.
    number = (
        f"case when contains({document}, ':null') then list_count(list_extract("
        f"list_transform([json_extract({document}, [{', '.join(pointers)}])], "
        f"lambda l: [{', '.join(found)}]), 1)) "
        f"else {' + '.join(f'({condition})::int' for condition in given.values())} end"
    )
    required = [given[value.column] for value in values if value.required]
    return " and ".join([f"len(json_keys({document})) = {number}", *required])
