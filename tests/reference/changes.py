"""Changes of the attributes whose history is kept. Only the types that examples use convert."""

from __future__ import annotations

import json
import re
from collections import Counter
from itertools import groupby, pairwise
from typing import Any

from .durations import seconds
from .versions import Procedures, Row, Version, histories, start


def attribute_changes(versions: list[Version], procedures: Procedures, *, as_of: int) -> list[Row]:
    """One row per change of a value, by process and order; deleted versions count.

    Values begin anew where the procedure changes.
    """
    rows: list[Row] = []
    for process_id, history in histories(versions, as_of).items():
        numbers: Counter[str] = Counter()
        since: dict[str, int] = {}
        for before, version in zip([None, *history], history, strict=False):
            for attribute in procedures[version["procedure"]].get("attributes", []):
                name = attribute["short_id"]
                if not attribute["track"]:
                    continue
                if before is None or before["procedure"] != version["procedure"]:
                    since[name] = start(history) if before is None else version["updated_at"]
                    continue
                old, new = (shown_value(of["data"], attribute) for of in (before, version))
                if new == old:
                    continue
                numbers[name] += 1
                rows.append(
                    {
                        "process_id": process_id,
                        "procedure": version["procedure"],
                        "attribute": name,
                        "type": attribute["type"],
                        "change_no": numbers[name],
                        "old_value": old,
                        "new_value": new,
                        "changed_at": version["updated_at"],
                        "previous_seconds": seconds(version["updated_at"] - since[name]),
                        "state": version["state"],
                        "assigned_to": version["assigned_to"],
                        "is_deleted": version["is_deleted"],
                    }
                )
                since[name] = version["updated_at"]
    return rows


def attribute_spells(versions: list[Version], procedures: Procedures, *, as_of: int) -> list[Row]:
    """One row per stay of a tracked attribute in one value; the procedure's end ends the last."""
    rows: list[Row] = []
    for process_id, history in histories(versions, as_of).items():
        numbers: Counter[str] = Counter()
        following = {id(a): b for a, b in pairwise(history)}
        for procedure, stretch in groupby(history, key=lambda version: version["procedure"]):
            mine = list(stretch)
            left = following.get(id(mine[-1]))
            for attribute in procedures[procedure].get("attributes", []):
                if not attribute["track"]:
                    continue
                values = [shown_value(version["data"], attribute) for version in mine]
                begins = [n for n in range(len(mine)) if n == 0 or values[n] != values[n - 1]]
                for n, after in zip(begins, [*begins, None][1:], strict=True):
                    is_first = mine[n] is history[0]
                    started = start(history) if is_first else mine[n]["updated_at"]
                    next_one = left if after is None else mine[after]
                    ended = next_one["updated_at"] if next_one else None
                    numbers[attribute["short_id"]] += 1
                    rows.append(
                        {
                            "process_id": process_id,
                            "procedure": procedure,
                            "attribute": attribute["short_id"],
                            "type": attribute["type"],
                            "spell_no": numbers[attribute["short_id"]],
                            "value": values[n],
                            "started_at": started,
                            "ended_at": ended,
                            "is_current": ended is None,
                            "seconds": seconds((as_of if ended is None else ended) - started),
                        }
                    )
    return rows


def shown_value(data: dict[str, Any], attribute: dict[str, Any]) -> str | None:
    """The typed value as text; null if missing, not convertible, or not among the options."""
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
        case "string" | "stringId" | "stringEnum":
            if isinstance(found, dict | list):
                return None
            value = text
        case other:
            raise ValueError(f"the reference has no values of type {other}")
    if attribute["options"] and value not in attribute["options"]:
        return None
    return str(value)
