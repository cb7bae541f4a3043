"""Draws people, pods, teams and companies, and writes the files with their names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from pipelines.simulator.behaviour import BEHAVIOURS
from pipelines.simulator.companies import draw_companies, record_details
from pipelines.simulator.draws import Draws
from pipelines.simulator.members import json_member, json_object, text_member
from schemas.definitions.procedure import Procedure

_CREATORS = 60
# Some users, and the last pod and team, are missing from the files.
_UNKNOWN_USER_EVERY = 20
_PODS = ("Amethyst", "Basalt", "Copper", "Diamond", "Emerald", "Flint", "Garnet", None)
_TEAMS = ("North", "South", "West", None)
_ENTITIES = ("Sales enquiry", "Support case")

FIRST_NAMES = (
    "Ada", "Ahmed", "Aiko", "Ana", "Björn", "Carla", "Chen", "Dilek", "Elif", "Emre", "Fatima",
    "Femi", "Freya", "Giulia", "Hana", "Hugo", "Ines", "Ivan", "Jamal", "João", "José", "Kaja",
    "Lars", "Leila", "Linh", "Malik", "Mara", "Nadia", "Nils", "Noor", "Olga", "Paweł", "Priya",
    "Rosa", "Sami", "Sofia", "Tomás", "Uta", "Wanjiru", "Yuki", "Zoë",
)  # fmt: skip
LAST_NAMES = (
    "Adeyemi", "Bauer", "Becker", "Costa", "Dubois", "Eriksen", "Fischer", "García", "Haddad",
    "Hoffmann", "Ito", "Jansen", "Kaya", "Kowalski", "Krüger", "Lindgren", "Moreau", "Müller",
    "Nguyen", "Novák", "O'Connor", "Okafor", "Patel", "Petrov", "Rossi", "Sato", "Schäfer",
    "Silva", "Singh", "Smith", "Torres", "Vogel", "Weber", "Yildirim", "Zhang",
)  # fmt: skip


@dataclass(frozen=True)
class Directory:
    """`people`: assignees by `procedure_no` and `assignee` (number within it), with id `person`.

    `companies` as in `draw_companies`; the others are ids.
    """

    people: pl.DataFrame
    creators: pl.Series
    pods: pl.Series
    teams: pl.Series
    companies: pl.DataFrame


def draw_directory(draws: Draws, *, processes: int) -> Directory:
    """A directory large enough for so many processes."""
    people = pl.concat(
        pl.DataFrame({"person": draws.uuids(f"people {b.procedure}", b.team_size)}).select(
            procedure_no=pl.lit(number, dtype=pl.Int32),
            assignee=pl.int_range(pl.len(), dtype=pl.Int32),
            person="person",
        )
        for number, b in enumerate(BEHAVIOURS)
    )
    return Directory(
        people=people,
        creators=draws.uuids("creators", _CREATORS),
        pods=draws.uuids("pods", len(_PODS)),
        teams=draws.uuids("teams", len(_TEAMS)),
        companies=draw_companies(draws, processes=processes),
    )


def write_dimensions(folder: Path, directory: Directory, procedures: Sequence[Procedure]) -> None:
    """Writes `users.ndjson`, `pods.ndjson`, `teams.ndjson`, `entities.ndjson`, `records.ndjson`."""
    entities = pl.Series([str(procedure.entity) for procedure in procedures])
    frames = {
        "users": _users(directory),
        "pods": pl.DataFrame({"id": directory.pods, "name": _PODS}),
        "teams": pl.DataFrame({"id": directory.teams, "name": _TEAMS}),
        "entities": pl.DataFrame({"id": entities, "name": _ENTITIES}),
        "records": directory.companies.filter("is_known").with_columns(data=record_details()),
    }
    folder.mkdir(parents=True, exist_ok=True)
    for dimension, frame in frames.items():
        data = [json_member("data", pl.col("data"))] if "data" in frame.columns else []
        members = (text_member("id", pl.col("id")), text_member("name", pl.col("name")), *data)
        lines = frame.filter(pl.col("name").is_not_null()).select(json_object(*members))
        path = folder / f"{dimension}.ndjson"
        lines.write_csv(path, include_header=False, quote_style="never")


def _users(directory: Directory) -> pl.DataFrame:
    """Ids with unique names, except for a few users without one."""
    ids = pl.concat([directory.people["person"], directory.creators])
    number = pl.int_range(pl.len())
    first = pl.lit(pl.Series(FIRST_NAMES)).gather(number % len(FIRST_NAMES))
    # The lengths of the lists have no common factor: names repeat only after all pairs.
    last = pl.lit(pl.Series(LAST_NAMES)).gather(number % len(LAST_NAMES))
    is_known = number % _UNKNOWN_USER_EVERY != _UNKNOWN_USER_EVERY - 1
    return ids.to_frame("id").with_columns(name=pl.when(is_known).then(first + " " + last))
