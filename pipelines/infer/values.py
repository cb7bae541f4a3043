"""Counts the keys of `data` and `derivedData` and what their values look like, in DuckDB."""

import json
from collections.abc import Iterable
from dataclasses import replace
from typing import Any
from uuid import UUID

import duckdb
from sqlglot import exp

from pipelines.infer.guesses import MOST_OPTIONS, OPTION_SHARE, Profile
from pipelines.infer.pairing import find_pairs
from pipelines.infer.proposal import is_id
from schemas.definitions.procedure import Attribute, Procedure, State
from schemas.definitions.values import Option
from schemas.records.attribute_values import Source, values_of
from schemas.records.limits import EARLIEST_MS, LATEST_PLANNED_MS, raw
from transforms.per_procedure.attributes import convert

# The types that values are tried on; the others look like one of these.
_TRIED = (
    "boolean", "booleanText", "integer", "decimal", "float", "monthOfYear", "date", "time",
    "datetime", "email", "url", "phone",
)  # fmt: skip
_Options = list[tuple[Option, int]]
_NAME = r"\p{Lu}[\p{L}''\x{2019}.-]*"


def _all_elements(condition: str) -> str:
    """Whether a value is a list whose every element meets a condition; an empty one does."""
    are_good = f"list_bool_and(list_transform(elements, lambda e: {condition}))"
    return f"coalesce({are_good}, len(elements) = 0)"


_SHAPES = {
    "text": "text[1] = '\"'",
    "list": "text[1] = '['",
    "object": "text[1] = '{'",
    "boolean": "text in ('true', 'false')",
    "number": "text[1] in ('-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9')",
}
# What else tells types apart; `plain` is the text of a value without its quotes.
_MARKS = {
    "epoch": f"regexp_full_match(plain, '[0-9]{{12,13}}') and try_cast(plain as bigint) between "
    f"{EARLIEST_MS} and {LATEST_PLANNED_MS}",
    "digits": "regexp_full_match(plain, '-?[0-9]+')",
    "fraction": r"regexp_full_match(plain, '[-+]?[0-9]+\.[0-9]+')",
    "leading_zero": r"regexp_full_match(plain, '[-+]?0[0-9]+(\.[0-9]+)?')",
    "many_decimals": r"regexp_matches(text, '\.[0-9]{5}|[eE]')",
    "zoned": "regexp_matches(plain, '(Z|z|[-+][0-9]{2}:?[0-9]{2})$')",
    "link": "regexp_matches(plain, '^(?i)(https?://|www[.])')",
    "plus": "starts_with(plain, '+')",
    "words": "contains(trim(plain), ' ')",
    "person": f"regexp_full_match(plain, '{_NAME}([ ,]+{_NAME}){{1,3}}')",
    "code": r"regexp_full_match(plain, '[-A-Za-z0-9_./#:]*[0-9][-A-Za-z0-9_./#:]*')",
    "yes_no": "text[1] = '\"' and lower(plain) in ('yes', 'no', 'y', 'n', 'true', 'false')",
    "text_list": _all_elements("e[1] = '\"'"),
    "integer_list": _all_elements("regexp_full_match(e, '-?[0-9]{1,18}')"),
    "number_list": _all_elements("regexp_full_match(e, '-?[0-9]+([.][0-9]+)?')"),
}


def profiles(con: duckdb.DuckDBPyConnection, procedure: str, source: Source) -> list[Profile]:
    """What the values of each key look like, keys that are ids last; reads the table `versions`.

    An id is one key in whatever case it is written. Missing values, JSON null and the empty text
    do not count.
    """
    keys = _keys(con, procedure, source)
    _collect_values(con, procedure, source, keys)
    keys = list(dict.fromkeys(map(_canonical, keys)))
    pairs = find_pairs(con, procedure, source)
    rename = "update cells set key = $short_id where key = $id"
    for id_, short_id in pairs.items():
        con.execute(rename, {"id": id_, "short_id": short_id}).fetchall()
        keys.remove(id_)
    ids = {short_id: id_ for id_, short_id in pairs.items()}
    conditions = [*_SHAPES.values(), *_MARKS.values(), *(f"{c} is not null" for c in _converted())]
    counts = ", ".join(f"coalesce(sum(n) filter ({c}), 0)" for c in conditions)
    copies = ", ".join(f'text as "{raw(f"attr:{name}")}"' for name in _TRIED)
    rows = {
        key: counted for key, *counted in con.execute(_profiles_query(copies, counts)).fetchall()
    }
    options = _options(con)
    found = [_profile(key, rows[key], options) if key in rows else _empty(key) for key in keys]
    return [replace(profile, id=ids.get(profile.key)) for profile in found]


def _profile(key: str, row: list[Any], options: dict[tuple[str, bool], _Options]) -> Profile:
    versions, processes, distinct, most, length, elements, *counts = row
    shapes = _named(_SHAPES, counts)
    is_list = shapes["list"] > versions / 2
    frequent = options.get((key, is_list), [])
    return Profile(
        key=key,
        versions=versions,
        processes=processes,
        distinct=distinct,
        length=length,
        is_unique=most == 1 and distinct == processes > 1,
        shapes=shapes,
        marks=_named(_MARKS, counts[len(_SHAPES) :]),
        converts=_named(_TRIED, counts[len(_SHAPES) + len(_MARKS) :]),
        options=frequent,
        elements=elements if is_list else 0,
    )


def _empty(key: str) -> Profile:
    return Profile(key, 0, 0, 0, {}, {}, {})


def _named(names: Iterable[str], counts: Iterable[int]) -> dict[str, int]:
    return dict(zip(names, counts, strict=False))


def _keys(con: duckdb.DuckDBPyConnection, procedure: str, source: Source) -> list[str]:
    query = f"""
        select distinct unnest(json_keys({source})) as key from versions
        where procedure_id = $procedure
    """
    keys = [key for (key,) in con.execute(query, {"procedure": procedure}).fetchall()]
    return sorted(keys, key=lambda key: (is_id(key), key))


def _canonical(key: str) -> str:
    return key.lower() if is_id(key) else key


def _collect_values(
    con: duckdb.DuckDBPyConnection, procedure: str, source: Source, keys: list[str]
) -> None:
    """Fill the table `cells`: one row per key, different value and process, `n` versions each."""
    pointers = ["/" + key.replace("~", "~0").replace("/", "~1") for key in keys]
    names, places = (
        exp.cast(exp.array(*map(exp.Literal.string, texts)), "varchar[]").sql("duckdb")
        for texts in (map(_canonical, keys), pointers)
    )
    query = f"""
        create or replace temp table cells as
        with extracted as (
            select
                process_id,
                unnest({names}) as key,
                unnest(json_extract({source}, {places}))::varchar as text
            from versions where procedure_id = $procedure
        )
        select key, text, process_id, count(*) as n from extracted
        where text not in ('null', '""') group by all
    """
    con.execute(query, {"procedure": procedure}).fetchall()


def _converted() -> list[str]:
    """The conversion to each type that is tried, from a copy of the text named after it."""
    attributes = tuple(
        Attribute(id=str(UUID(int=n)), short_id=name, type=name) for n, name in enumerate(_TRIED)
    )
    state = State(id=str(UUID(int=0)), short_id="A", kind="work")
    trial = Procedure(
        id=state.id,
        short_id="trial",
        attributes=attributes,
        states=(state,),
        start_state="A",
        completed_state="A",
    )
    return [convert(value, "UTC") for value in values_of(trial)]


def _options(con: duckdb.DuckDBPyConnection) -> dict[tuple[str, bool], _Options]:
    """The values of each key that several processes have, most frequent first, with their counts.

    The second part of the key says whether they are the elements of lists.
    """
    found: dict[tuple[str, bool], _Options] = {}
    rows = con.execute(_FREQUENT, {"share": OPTION_SHARE, "most": MOST_OPTIONS + 1}).fetchall()
    for key, is_element, text, n in rows:
        option = json.loads(text)
        if isinstance(option, str | int | float) and not isinstance(option, bool):
            found.setdefault((key, is_element), []).append((option, n))
    return found


def _profiles_query(copies: str, counts: str) -> str:
    return f"""
        with key_values as (
            select key, text, sum(n) as n, count(distinct process_id) as processes
            from cells group by all
        ),
        of_keys as (
            select key, count(distinct process_id) as processes from cells group by key
        ),
        shown as (
            select
                *,
                coalesce(to_text(text), '') as plain,
                case when text[1] = '[' then json_extract(text, '$[*]')::varchar[] end as elements,
                {copies}
            from key_values
        )
        select
            key,
            sum(n)::bigint,
            any_value(k.processes),
            count(*),
            max(s.processes),
            sum(n * length(plain)) / sum(n),
            coalesce(sum(n * len(elements)), 0)::bigint,
            {counts}
        from shown as s inner join of_keys as k using (key)
        group by key
    """


_FREQUENT = """
    with single as (
        select key, false as is_element, text, process_id, n from cells
        where text[1] not in ('[', '{')
        union all
        select key, true, unnest(json_extract(text, '$[*]'))::varchar as element, process_id, n
        from cells where text[1] = '['
    ),
    counted as (
        select key, is_element, text, sum(n)::bigint as n, count(distinct process_id) as processes
        from single where length(text) <= 200 group by all
    ),
    of_keys as (
        select key, is_element, count(distinct process_id) as processes from single group by all
    )
    select c.key, c.is_element, c.text, c.n
    from counted as c inner join of_keys as k using (key, is_element)
    where c.processes >= greatest(2, $share * k.processes)
    qualify row_number() over (
        partition by key, is_element order by c.n desc, c.text
    ) <= $most
    order by key, is_element, c.n desc, c.text
"""
