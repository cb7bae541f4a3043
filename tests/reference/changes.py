"""Changes of the attributes whose history is kept.

Only the types that the examples use are converted; stays belong to the stays module.
"""

from __future__ import annotations

import json
import re
from typing import Any

from .durations import seconds
from .versions import Procedures, Row, Version, histories, start


def attribute_changes(versions: list[Version], procedures: Procedures, *, as_of: int) -> list[Row]:
    """One row per change of a value, by process, attribute and order; deleted versions count."""
    rows: list[Row] = []
    for process_id, history in histories(versions, as_of).items():
        procedure = procedures[history[-1]["procedure"]]
        for attribute in procedure.get("attributes", []):
            if not attribute["track"]:
                continue
            number, since = 0, start(history)
            old = shown_value(history[0]["data"], attribute)
            for version in history[1:]:
                new = shown_value(version["data"], attribute)
                if new == old:
                    continue
                number += 1
                rows.append(
                    {
                        "process_id": process_id,
                        "procedure": version["procedure"],
                        "attribute": attribute["short_id"],
                        "type": attribute["type"],
                        "change_no": number,
                        "old_value": old,
                        "new_value": new,
                        "changed_at": version["updated_at"],
                        "previous_seconds": seconds(version["updated_at"] - since),
                        "state": version["state"],
                        "assigned_to": version["assigned_to"],
                    }
                )
                old, since = new, version["updated_at"]
    return rows


def shown_value(data: dict[str, Any], attribute: dict[str, Any]) -> str | None:
    """The typed value as text; null when there is none, it is bad, or it is no option."""
    found = data.get(attribute["id"], data.get(attribute["short_id"]))
    if found is None or found == "":
        return None
    text = found if isinstance(found, str) else json.dumps(found)
    match attribute["type"]:
        case "integer" | "integerEnum":
            if not re.fullmatch(r"[-+]?[0-9]{1,18}(\.0+)?", text):
                return None
            value: Any = int(text.split(".")[0])
        case "boolean":
            if text.lower() not in ("true", "false"):
                return None
            value = text.lower()
        case "string" | "stringEnum":
            if isinstance(found, dict | list):
                return None
            value = text
        case other:
            raise NotImplementedError(other)
    if attribute["options"] and value not in attribute["options"]:
        return None
    return str(value)
