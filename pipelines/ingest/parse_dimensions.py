"""Lines of a dimension file (users, pods, ...) as rows, and the lines that are bad."""

import duckdb
import polars as pl

from pipelines.ingest.chunks import Chunk
from pipelines.ingest.exact_text import with_lower_case_ids, without_lone_surrogates
from pipelines.ingest.parse_versions import (
    Parsed,
    decoded,
    find_bad_lines,
    has_nan,
    has_trailing_comma,
    split_chunk,
)
from schemas.records.all_rules import NOT_A_NUMBER, NOT_JSON, REPEATED_KEY


def parse_rows(con: duckdb.DuckDBPyConnection, chunk: Chunk) -> Parsed:
    """Parse the lines of a chunk; its records have one row per JSON object, in order of the lines.

    Columns: `line`, `id` and `name` as JSON text and as text (JSON null is null), and `data`, the
    whole line as it came.
    """
    lines, parsed = split_chunk(without_lone_surrogates(chunk))
    for number in [number for number, line in lines.items() if has_trailing_comma(line)]:
        parsed.bad.append((number, NOT_JSON.id, decoded(lines.pop(number))))
    for number, rule in find_bad_lines(con, lines):
        parsed.bad.append((number, rule, decoded(lines.pop(number))))
    schema = {"line": pl.Int64, "data": pl.String}
    texts = pl.DataFrame(
        [(number, decoded(line)) for number, line in lines.items()], schema=schema, orient="row"
    )
    con.register("lines", texts.with_columns(with_lower_case_ids(texts["data"])))
    try:
        rows = con.sql(_MEMBERS).pl()
    finally:
        con.unregister("lines")
    suspects = rows.filter("may_have_nan").select("line", "data")
    broken = {line: NOT_A_NUMBER.id for line, text in suspects.iter_rows() if has_nan(text)}
    broken |= dict.fromkeys(rows.filter("has_repeated_key")["line"], REPEATED_KEY.id)
    parsed.bad += [(number, rule, decoded(lines[number])) for number, rule in broken.items()]
    parsed.records = rows.filter(~pl.col("line").is_in(list(broken))).drop(
        "may_have_nan", "has_repeated_key"
    )
    return parsed


# A key may occur twice at a deeper level, from which nothing is read.
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
