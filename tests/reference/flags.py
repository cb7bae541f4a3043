"""Rules between the versions of a process and about its parent, version by version."""

from __future__ import annotations

from collections.abc import Iterable

from tests.reference.versions import Procedures, Row, Version, histories

_CONSTANT = {
    "created_at": "created_at",
    "created_by": "created_by",
    "team_id": "team_id",
    "record": "record_id",
    "first_assigned_to": "first_assigned_to",
    "first_assigned_at": "first_assigned_at",
}


def flags(versions: Iterable[Version], procedures: Procedures, as_of: int) -> list[Row]:
    """One row per version and rule: `process_id, rule, updated_at, ingest_seq`."""
    seen = histories(versions, as_of)
    supplying = {
        history[-1]["procedure"] for history in seen.values() if _is_first_known(history, as_of)
    }
    rows: list[Row] = []
    for process_id, history in seen.items():
        found = [
            (version, rule)
            for number, version in enumerate(history)
            for rule in _of_version(version, history[:number], procedures)
            if rule != "first_assigned_at:missing" or version["procedure"] in supplying
        ]
        parent = seen.get(history[-1]["parent_process"])
        if parent:
            found += [(history[-1], rule) for rule in _kinship(history[-1], parent[-1], procedures)]
        rows += [
            {
                "process_id": process_id,
                "rule": f"core:{rule}",
                "updated_at": version["updated_at"],
                "line": version["ingest_seq"][1],
            }
            for version, rule in found
        ]
    return rows


def _is_first_known(history: list[Version], as_of: int) -> bool:
    latest = history[-1]
    start = min(latest["created_at"], history[0]["updated_at"])
    at = latest["first_assigned_at"]
    return latest["first_assigned_to"] is not None or (
        at is not None and start <= at <= latest["updated_at"]
    )


def _of_version(version: Version, before: list[Version], procedures: Procedures) -> list[str]:
    rules: list[str] = []
    previous = before[-1] if before else None
    for field, column in _CONSTANT.items():
        if previous and previous[field] is not None and previous[field] != version[field]:
            rules.append(f"{column}:constant")
    is_past_seen = previous is not None or version["updated_at"] <= version["created_at"]
    was_assigned = any(other["assigned_to"] for other in before)
    if version["assigned_to"] and not was_assigned and is_past_seen:
        if version["first_assigned_to"] not in (None, version["assigned_to"]):
            rules.append("first_assigned_to:observed")
        at = version["first_assigned_at"]
        earliest = previous["updated_at"] if previous else -1
        if at is not None and not earliest <= at <= version["updated_at"]:
            rules.append("first_assigned_at:observed")
    if _lacks_first(version) and not (previous and _lacks_first(previous)):
        rules.append("first_assigned_at:missing")
    plan = version["next_action_at"]
    is_new_plan = plan is not None and not (previous and previous["next_action_at"] == plan)
    is_open = version["status"] == "OPEN"
    if is_new_plan and is_past_seen and is_open and plan < version["updated_at"]:
        rules.append("next_action_at:past")
    start_state = procedures[version["procedure"]]["startState"]
    if previous is None and is_past_seen and version["state"] != start_state:
        rules.append("state_key:start")
    return rules


def _lacks_first(version: Version) -> bool:
    is_known = version["first_assigned_to"] and version["first_assigned_at"] is not None
    return bool(version["assigned_to"]) and not is_known


def _kinship(child: Version, parent: Version, procedures: Procedures) -> list[str]:
    rules: list[str] = []
    if child["parent_procedure"] not in (None, procedures[parent["procedure"]]["id"]):
        rules.append("parent_procedure:same")
    if child["created_at"] < parent["created_at"]:
        rules.append("created_at:parent")
    if child["team_id"] != parent["team_id"]:
        rules.append("team_id:parent")
    return rules
