"""What people call a process, and its address in the platform."""

from __future__ import annotations

from urllib.parse import quote

from .changes import shown_value
from .versions import Procedures, Row, Version, histories


def process_names(versions: list[Version], procedures: Procedures, *, as_of: int) -> list[Row]:
    """One row per process: `label` and `link` by its latest version."""
    rows: list[Row] = []
    for process_id, history in histories(versions, as_of).items():
        latest = history[-1]
        procedure = procedures[latest["procedure"]]
        known = {a["short_id"]: a for a in procedure.get("attributes", [])}
        identifier, key = (
            shown_value(latest["data"], known[name])
            if name in known and known[name]["is_clear"]
            else None
            for name in procedure.get("names", [None, None])
        )
        link = procedure.get("link")
        if link is not None and "{primaryKey}" in link:
            link = None if key is None else link.replace("{primaryKey}", quote(key, safe=""))
        rows.append(
            {
                "process_id": process_id,
                "label": key if identifier is None else identifier,
                "link": None if link is None else link.replace("{id}", process_id),
            }
        )
    return rows
