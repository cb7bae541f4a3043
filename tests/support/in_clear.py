"""The published tables with the personal values that `people.duckdb` has of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from pipelines.export.clear_values import show_clear_values
from pipelines.publish.files import people_file


@contextmanager
def connect_in_clear(published: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection to a generation on which values stand in place of their keys."""
    people = people_file(published.resolve())
    with duckdb.connect(published, read_only=True) as con:
        con.execute(f"attach '{people}' as people (read_only)")
        show_clear_values(con)
        yield con
