"""The dimensions and the names they give, in words.

What the lines of a dimension file must be stands in `dimensions.py`.
"""

from __future__ import annotations

from schemas.catalogue_model import (
    MAY_BE_PERSONAL,
    PERSONAL,
    OutputColumn,
    OutputTable,
    identifier,
    text,
)

_LATEST = (
    "Dimensions have no time: the latest file counts at any as_of, so that a new name is seen in "
    "the past too."
)


def _dimension(name: str, one: str, *, id_column: str, personal: str = "") -> OutputTable:
    return OutputTable(
        name,
        "core",
        f"What the files named `{name}` say; empty without any. {_LATEST}",
        f"one row per {one}",
        (
            identifier(id_column, f"Id of the {one}."),
            text(
                "name",
                f"Name of the {one}, as the latest line about it says.{personal}",
                nulls="when that line has no name",
            ),
            OutputColumn("data", "JSON", f"That line as it came.{personal}"),
        ),
    )


USERS = _dimension("users", "user", id_column="user_id", personal=f" {PERSONAL}")
PODS = _dimension("pods", "pod", id_column="pod_id")
TEAMS = _dimension("teams", "team", id_column="team_id")
ENTITIES = _dimension("entities", "entity", id_column="entity_id")
RECORDS = _dimension("records", "record", id_column="record_id", personal=f" {MAY_BE_PERSONAL}")


def _label(name: str, what: str, *, dimension: str, of: str, never: bool = False) -> OutputColumn:
    personal = {"users": f" {PERSONAL}", "records": f" {MAY_BE_PERSONAL}"}.get(dimension, "")
    return text(
        name,
        f"{what}: the name `{dimension}` has for `{of}`, else the id as text. The latest file "
        f"counts at any as_of.{personal}",
        nulls="" if never else f"when `{of}` is null",
    )


LABELS: tuple[OutputColumn, ...] = (
    _label("assigned_to_name", "Who holds the process", dimension="users", of="assigned_to"),
    _label("created_by_name", "Who created the process", dimension="users", of="created_by"),
    _label("pod_name", "The pod", dimension="pods", of="pod_id"),
    _label("team_name", "The team", dimension="teams", of="team_id", never=True),
    _label("entity_name", "The entity", dimension="entities", of="entity_id"),
    _label("record_name", "The record behind the process", dimension="records", of="record_id"),
)
"""The columns of a wide table that name what its ids stand for."""
