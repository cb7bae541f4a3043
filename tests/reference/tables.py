"""All tables of the reference, by name; those of marts are found by the names of the SQL files."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib import import_module
from inspect import signature
from pathlib import Path
from pkgutil import iter_modules

from tests import reference
from tests.reference import (
    business,
    changes,
    history,
    named_durations,
    observation,
    open_stays,
    outcomes,
    sla,
    stays,
)
from tests.reference.hierarchy import hierarchy
from tests.reference.names import process_names
from tests.reference.versions import Procedures, Row, Version

_MARTS = Path(__file__).parents[2] / "transforms" / "marts"
_WITH_TEAM = (
    "state_visits",
    "assignments",
    "open_stays",
    "attribute_changes",
    "attribute_spells",
    "procedure_changes",
    "follow_ups",
    "process_lifecycle",
    "process_outcomes",
    "sla_clocks",
    "sla_segments",
    "sla_due",
    "process_durations",
    "funnel_progress",
    "stalled_processes",
)
_WITH_NAMES = ("processes", "sla_clocks", "sla_due", "follow_ups", "stalled_processes")
_OF_RELATIVES = ("n_children", "n_open_children", "depth", "root_process_id")


def expected_tables(
    versions: list[Version],
    procedures: Procedures,
    *,
    as_of: int,
    time_zone: str,
    with_curves: bool = True,
) -> dict[str, list[Row]]:
    """The tables the reference makes of some versions.

    Curves are in exact fractions, which takes minutes for hundreds of processes.
    """

    def made(table: Callable[..., list[Row]]) -> list[Row]:
        is_zoned = "time_zone" in signature(table).parameters
        more = {"time_zone": time_zone} if is_zoned else {}
        return table(versions, procedures, as_of=as_of, **more)

    above_and_below = made(hierarchy)
    found = {name: table for name, table in _of_marts() if with_curves or name != "outcome_curves"}
    tables = {name: made(table) for name, table in found.items()} | {
        "processes": made(history.processes),
        "state_visits": made(business.business_visits),
        "status_spells": history.status_spells(versions, as_of=as_of),
        "assignments": made(business.business_assignments),
        "procedure_changes": made(stays.procedure_changes),
        "open_stays": made(open_stays.open_stays),
        "follow_ups": made(open_stays.follow_ups),
        "attribute_changes": made(changes.attribute_changes),
        "attribute_spells": made(changes.attribute_spells),
        "hierarchy": above_and_below,
        "process_lifecycle": [
            row | {name: related[name] for name in _OF_RELATIVES}
            for row, related in zip(made(business.business_lifecycle), above_and_below, strict=True)
        ],
        "sla_clocks": made(sla.sla_clocks),
        "sla_segments": made(sla.sla_segments),
        "process_durations": made(named_durations.process_durations),
        "process_outcomes": made(outcomes.process_outcomes),
        "observation_starts": made(observation.observation_starts),
    }
    observed = {
        row["process_id"]: row["is_observed_from_start"] for row in tables["process_outcomes"]
    }
    for row in tables["processes"]:
        row["is_observed_from_start"] = observed[row["process_id"]]
    teams = {row["process_id"]: row["team_id"] for row in tables["processes"]}
    for name in _WITH_TEAM:
        tables[name] = [row | {"team_id": teams[row["process_id"]]} for row in tables[name]]
    names = {row["process_id"]: row for row in made(process_names)}
    for name in _WITH_NAMES:
        tables[name] = [row | names[row["process_id"]] for row in tables[name]]
    return tables


def _of_marts() -> Iterator[tuple[str, Callable[..., list[Row]]]]:
    """The functions of this package that bear the name of a mart."""
    names = {path.stem for path in _MARTS.glob("*.sql")}
    for module in iter_modules(reference.__path__, f"{reference.__name__}."):
        if not module.name.rpartition(".")[2].startswith("test_"):
            for name, table in vars(import_module(module.name)).items():
                if name in names and getattr(table, "__module__", "") == module.name:
                    yield name, table
