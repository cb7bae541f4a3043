"""What the last published generation had, for the check that nothing was lost since."""

from contextlib import suppress
from datetime import datetime
from pathlib import Path

import duckdb

from schemas.sql_text import literal


def bind_last_generation(
    con: duckdb.DuckDBPyConnection, path: Path | None, *, as_of: datetime
) -> None:
    """Make the temporary tables `last_build`, `last_files` and `last_processes` of a generation.

    They are empty without a `path`, when the file cannot be read, or when it shows a later instant
    than `as_of`: having fewer processes then is not a loss.
    """
    con.execute(_EMPTY)
    if path is None:
        return
    try:
        con.execute(f"attach {literal(str(path))} as last_generation (read_only)")
        con.execute(_BUILD, {"as_of": as_of})
        con.execute(_FILES_AND_PROCESSES)
    except duckdb.Error:  # damaged, or written by a release without these tables
        con.execute(_EMPTY)
    finally:
        with suppress(duckdb.Error):
            con.execute("detach last_generation")


_EMPTY = """
create or replace temp table last_build (
    generation integer,
    first_day date,
    last_day date
);
create or replace temp table last_files (
    sha256 varchar,
    content varchar,
    status varchar,
    lines bigint
);
create or replace temp table last_processes (process_id uuid);
"""

_BUILD = """
insert into last_build
select
    b.generation,
    (select min(created_at)::date from last_generation.processes),
    (select max(updated_at)::date from last_generation.processes)
from last_generation.build as b
where b.as_of <= $as_of
"""

_FILES_AND_PROCESSES = """
insert into last_files
select f.sha256, f.content, f.status, f.lines
from last_generation.ingest_files as f
where exists (from last_build);

insert into last_processes
select p.process_id
from last_generation.processes as p
where exists (from last_build);
"""
