"""Finds which ids and shortIds are keys of the same values, in data that has them both ways."""

from collections.abc import Mapping

import duckdb

from pipelines.infer.proposal import UUID_PATTERN, is_id
from schemas.records.attribute_values import Source

# In so many processes that have both keys, with this share of them having a value in common, and
# no other key as near as that.
_ENOUGH, _AGREE, _MARGIN = 10, 0.8, 0.05
_WITNESSES = 2_000  # processes that are asked; more would say the same


def find_pairs(con: duckdb.DuckDBPyConnection, procedure: str, source: Source) -> dict[str, str]:
    """Ids with the shortId of the same values; reads the tables `versions` and `cells`.

    Exports differ in how they name values, so one process may have versions of either kind: its
    values tell. Each of a pair is the best match of the other, and no version has both.
    """
    shares: dict[str, dict[str, float]] = {}
    for id_, short_id, share in con.execute(_AGREEMENT).fetchall():
        shares.setdefault(id_, {})[short_id] = share
        shares.setdefault(short_id, {})[id_] = share
    best = {key: match for key, others in shares.items() if (match := _clear_best(others))}
    pairs = {key: match for key, match in best.items() if is_id(key) and best.get(match) == key}
    together = f"""
        with documents as (
            select distinct json_keys({source}) as keys from versions
            where procedure_id = $procedure
        ),
        pairs as (select unnest($ids::varchar[]) as id, unnest($short_ids::varchar[]) as short_id)
        select distinct id from documents inner join pairs
            on list_contains(keys, id) and list_contains(keys, short_id)
    """
    asked = {"procedure": procedure, "ids": list(pairs), "short_ids": list(pairs.values())}
    differ = {id_ for (id_,) in con.execute(together, asked).fetchall()}
    return {id_: short_id for id_, short_id in pairs.items() if id_ not in differ}


def _clear_best(shares: Mapping[str, float]) -> str | None:
    first, *others = sorted(shares, key=lambda key: -shares[key])
    is_clear = not others or shares[others[0]] < shares[first] - _MARGIN
    return first if is_clear and shares[first] >= _AGREE else None


_AGREEMENT = f"""
    with keys as (
        select distinct key, regexp_full_match(key, '{UUID_PATTERN}') as is_id from cells
    ),
    marked as (
        select c.key, c.text, c.process_id, k.is_id
        from cells as c inner join keys as k using (key)
        where (select count(distinct is_id) from keys) = 2
    ),
    witnesses as (
        select process_id from marked group by process_id
        having bool_or(is_id) and bool_or(not is_id) order by process_id limit {_WITNESSES}
    ),
    kept as (
        select m.* from marked as m inner join witnesses as w using (process_id)
    ),
    having_both as (
        select a.key as id, b.key as short_id, count(*) as n
        from (select distinct key, process_id from kept where is_id) as a
        inner join (select distinct key, process_id from kept where not is_id) as b
            on a.process_id = b.process_id
        group by all
    ),
    agreeing as (
        select a.key as id, b.key as short_id, count(distinct a.process_id) as n
        from kept as a inner join kept as b on a.process_id = b.process_id and a.text = b.text
        where a.is_id and not b.is_id group by all
    )
    select id, short_id, a.n / h.n
    from agreeing as a inner join having_both as h using (id, short_id) where h.n >= {_ENOUGH}
"""
