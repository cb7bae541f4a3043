"""The dimension tables, and the columns of the wide tables that show names for ids."""

from __future__ import annotations

from schemas.catalogue.model import OutputColumn, OutputTable, identifier, text
from schemas.privacy import Privacy

_LATEST = (
    "Dimensions have no history: the latest file applies at any as_of, so a new name also appears "
    "in past builds."
)


def _dimension(name: str, one: str, *, id_column: str, personal: Privacy = "no") -> OutputTable:
    return OutputTable(
        name,
        "core",
        f"The contents of the files named `{name}`; empty without such files. {_LATEST}",
        f"one row per {one}",
        (
            identifier(id_column, f"Id of the {one}."),
            text(
                "name",
                f"Name of the {one} in its latest line.",
                nulls="when that line has no name",
                personal=personal,
            ),
            # The key of a whole line would be of no use.
            OutputColumn(
                "data",
                "JSON",
                "That line, unchanged.",
                personal=personal,
                publish=None if personal == "no" else "drop",
            ),
        ),
        key=(id_column,),
    )


USERS = _dimension("users", "user", id_column="user_id", personal="direct")
PODS = _dimension("pods", "pod", id_column="pod_id")
TEAMS = _dimension("teams", "team", id_column="team_id")
ENTITIES = _dimension("entities", "entity", id_column="entity_id")
RECORDS = _dimension("records", "record", id_column="record_id", personal="indirect")


def _label(name: str, what: str, *, dimension: str, of: str, never: bool = False) -> OutputColumn:
    levels: dict[str, Privacy] = {"users": "direct", "records": "indirect"}
    return text(
        name,
        f"{what}: the name of `{of}` in `{dimension}`, otherwise the id as text. The latest file "
        "applies at any as_of.",
        nulls="" if never else f"when `{of}` is null",
        personal=levels.get(dimension, "no"),
    )


LABELS: tuple[OutputColumn, ...] = (
    _label("assigned_to_name", "Current assignee", dimension="users", of="assigned_to"),
    _label("created_by_name", "Creator of the process", dimension="users", of="created_by"),
    _label("pod_name", "The pod", dimension="pods", of="pod_id"),
    _label("team_name", "The team", dimension="teams", of="team_id", never=True),
    _label("entity_name", "The entity", dimension="entities", of="entity_id"),
    _label("record_name", "The record behind the process", dimension="records", of="record_id"),
)
"""The columns of a wide table with the names of its ids."""
