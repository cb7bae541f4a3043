"""Lines of a dimension file (users, pods, ...) -> a frame of rows, and the lines that are none.

Whether a row keeps the rules does not belong here: see `schemas/dimensions.py`.
"""

import duckdb
import polars as pl

from pipelines.landing import Chunk
from pipelines.parse import Parsed, decoded, find_bad_lines, has_nan, split_chunk
from schemas.rule_book import NOT_A_NUMBER, REPEATED_KEY


def parse_rows(con: duckdb.DuckDBPyConnection, chunk: Chunk) -> Parsed:
    """Parse the lines of a chunk; its records have one row per JSON object, in order of the lines.

    Columns: `line`, `id` and `name` as JSON text and as text (JSON null is null), and `data`, the
    whole line as it came.
    """
    lines, parsed = split_chunk(chunk)
    for number, rule in find_bad_lines(con, lines):
        parsed.bad.append((number, rule, decoded(lines.pop(number))))
    schema = {"line": pl.Int64, "data": pl.String}
    texts = [(number, decoded(line)) for number, line in lines.items()]
    con.register("lines", pl.DataFrame(texts, schema=schema, orient="row"))
    try:
        rows = con.sql(_MEMBERS).pl()
    finally:
        con.unregister("lines")
    spoilt = rows.filter("may_have_nan").select("line", "data")
    broken = {line: NOT_A_NUMBER.id for line, text in spoilt.iter_rows() if has_nan(text)}
    broken |= dict.fromkeys(rows.filter("has_repeated_key")["line"], REPEATED_KEY.id)
    parsed.bad += [(number, rule, decoded(lines[number])) for number, rule in broken.items()]
    parsed.records = rows.filter(~pl.col("line").is_in(list(broken))).drop(
        "may_have_nan", "has_repeated_key"
    )
    return parsed


# A key may stand twice deeper down: nothing is read from there.
_MEMBERS = r"""
    with members as (
        select
            line,
            data,
            json_extract(data, ['/id', '/name'])::varchar[] as json,
            json_extract_string(data, ['/id', '/name']) as text,
            json_keys(data) as keys,
            case
                when json_type(data, '/data') = 'OBJECT' then json_keys(data, '/data') else []
            end as keys_below
        from lines
    )

    select
        line,
        data,
        nullif(json[1], 'null') as "id:json",
        text[1] as "id:text",
        nullif(json[2], 'null') as "name:json",
        text[2] as "name:text",
        regexp_matches(data, '(?i)[:\[,]\s*-?(nan|inf)') as may_have_nan,
        len(list_distinct(keys)) < len(keys)
            or len(list_distinct(keys_below)) < len(keys_below) as has_repeated_key
    from members
    order by line
"""
