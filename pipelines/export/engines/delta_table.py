"""What the folder of a generation holds, on a disk as in an object store: Delta tables and facts.

The folder has one Delta table per published table, which never changes, and `generation.json` with
the facts of the generation. `current.json` beside the folders names the current one.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime

from pipelines.export.engines.source import Identity, Source, SourceColumn, SourceTable
from pipelines.export.engines.types import delta_value
from pipelines.publish.files import generations, number_of
from pipelines.settings import Settings
from schemas.errors import OperationError, require_module
from schemas.sql_text import quoted

POINTER, FACTS = "current.json", "generation.json"
PREFIX = "generation-"


def write_table(source: Source, table: SourceTable, uri: str) -> None:
    """Write the rows of a table to a new Delta table, with its comments.

    Raises `OperationError` when it does not have as many rows afterwards.
    """
    deltalake = require_module("deltalake", extra="delta", place=uri)
    facts = {"leadtime.generation": str(source.identity.number)}
    deltalake.write_deltalake(
        uri,
        source.rows(table, _selected, comments=True),
        name=table.name,
        description=table.comment,
        commit_properties=deltalake.CommitProperties(custom_metadata=facts),
    )
    written = deltalake.DeltaTable(uri).count()
    if written != table.n_rows:
        found = f"has {written:,} rows of {table.n_rows:,}"
        raise OperationError(uri, found, "Check the disk, then publish again.")


def facts_of(source: Source) -> str:
    """The text of `generation.json`."""
    facts = {
        "generation": source.identity.number,
        "as_of": _text(source.identity.as_of),
        "built_at": _text(source.identity.built_at),
        "leadtime_version": source.leadtime_version,
        "rows": {table.name: table.n_rows for table in source.tables},
    }
    return json.dumps(facts, indent=2) + "\n"


def pointer_text(folder: str, facts: bytes) -> str:
    """The text of `current.json` for a folder with these facts."""
    return json.dumps({"folder": folder, **json.loads(facts)}, indent=2) + "\n"


def folder_name(identity: Identity) -> str:
    """How the name of the folder of a generation begins."""
    return f"{PREFIX}{identity.number:06}-{identity.built_at:%Y%m%dT%H%M%S}"


def no_longer_kept(folders: Sequence[str], settings: Settings) -> list[str]:
    """Of the folders beside the current one, oldest first, those to remove.

    They are of generations that the data folder no longer has: an erasure removes them too.
    Without a data folder, when a file is copied, only those beyond the number to keep go.
    """
    kept = [f"{PREFIX}{number_of(path):06}-" for path in generations(settings)]
    too_many = folders[: -settings.keep + 1]
    return [f for f in folders if f in too_many or (kept and not f.startswith(tuple(kept)))]


def _selected(column: SourceColumn) -> str:
    return f"{delta_value(column.name, column.kind)} as {quoted(column.name)}"


def _text(instant: datetime) -> str:
    return f"{instant.isoformat(timespec='milliseconds')}Z"
