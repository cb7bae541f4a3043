"""The simulator: same seed same bytes, counts that add up, and a truth that the files bear out.

The files are read here line by line in plain Python. How the pipeline reads them does not belong
here.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any
from uuid import UUID

import polars as pl
import pytest

from pipelines.simulator import SimulationSummary, simulate
from pipelines.simulator.damage import FLAGGED, NULLED, REJECTED
from pipelines.simulator.simulation import PROCEDURES_FOLDER
from schemas.definition_files import load_procedures
from schemas.definitions import Procedure
from schemas.errors import SourceError

END = datetime(2026, 10, 20, 9, 30, tzinfo=UTC)
EARLIEST_MS = 946_684_800_000
VERSIONS = 3000

Record = dict[str, Any]


@dataclass(frozen=True)
class Simulated:
    """One simulation, read back: accepted records in ingest order, tallies by file, the truth."""

    landing: Path
    truth: Path
    summary: SimulationSummary
    records: list[Record]
    tallies: dict[str, dict[str, int]]


@pytest.fixture(scope="module")
def procedures() -> dict[str, Procedure]:
    return {str(procedure.id): procedure for procedure in load_procedures(PROCEDURES_FOLDER)}


@pytest.fixture(scope="module")
def simulated(
    tmp_path_factory: pytest.TempPathFactory, procedures: dict[str, Procedure]
) -> Simulated:
    folder = tmp_path_factory.mktemp("simulated")
    landing, truth = folder / "landing", folder / "truth"
    summary = _simulate(landing, truth=truth)
    records: list[Record] = []
    tallies: dict[str, dict[str, int]] = {}
    seen: set[str] = set()
    for path in sorted(landing.iterdir()):
        tally = dict.fromkeys(("lines", "accepted", "duplicates", "quarantined", "blank"), 0)
        for line in path.read_text(encoding="utf-8").removesuffix("\n").split("\n"):
            tally["lines"] += 1
            if not line:
                tally["blank"] += 1
            elif line in seen:
                tally["duplicates"] += 1
            elif (record := _accepted(line, procedures)) is None:
                tally["quarantined"] += 1
            else:
                seen.add(line)
                tally["accepted"] += 1
                records.append(record)
        tallies[path.name] = tally
    return Simulated(landing, truth, summary, records, tallies)


def _simulate(landing: Path, **options: Any) -> SimulationSummary:
    defaults: dict[str, Any] = {
        "versions": VERSIONS,
        "seed": 11,
        "end": END,
        "late_share": 0.05,
        "duplicate_share": 0.03,
        "dirty_share": 0.06,
    }
    return simulate(landing, **defaults | options)


def _accepted(line: str, procedures: dict[str, Procedure]) -> Record | None:
    """The record with its procedure and state by shortId, or None if it must be rejected."""
    try:
        record = json.loads(line)
        UUID(record["id"])
        procedure = procedures[record["procedure"]]
        states = {str(state.id): state.short_id for state in procedure.states}
        states |= {state.short_id: state.short_id for state in procedure.states}
        instants = (record["createdAt"], record["updatedAt"])
        state = states[record["state"]]
    except (ValueError, KeyError, TypeError):
        return None
    in_range = all(EARLIEST_MS <= instant <= _ms(END) for instant in instants)
    if record["status"] not in {"OPEN", "COMPLETED", "CANCELLED"} or not in_range:
        return None
    return record | {"procedure": procedure.short_id, "state": state}


def _ms(instant: datetime) -> int:
    return round(instant.timestamp() * 1000)


def _by_process(records: Iterable[Record]) -> dict[str, list[Record]]:
    """Versions of each process by (updatedAt, ingest order): the sort keeps the order of ties."""
    histories: dict[str, list[Record]] = {}
    for record in records:
        histories.setdefault(record["id"], []).append(record)
    return {key: sorted(versions, key=_updated) for key, versions in histories.items()}


def _updated(record: Record) -> int:
    return record["updatedAt"]


def _key(record: Record, procedures: dict[str, Procedure], short_id: str) -> Any:
    """A value of `data`, keyed either way."""
    for procedure in procedures.values():
        for attribute in procedure.attributes:
            if attribute.short_id == short_id and str(attribute.id) in record["data"]:
                return record["data"][str(attribute.id)]
    return record["data"].get(short_id)


def test_the_same_seed_gives_the_same_bytes(simulated: Simulated, tmp_path: Path) -> None:
    _simulate(tmp_path / "again", truth=tmp_path / "truth")
    _simulate(tmp_path / "other", seed=12)
    for folder, twin in ((simulated.landing, "again"), (simulated.truth, "truth")):
        files = sorted(folder.iterdir())
        assert [f.name for f in files] == sorted(f.name for f in (tmp_path / twin).iterdir())
        assert all(f.read_bytes() == (tmp_path / twin / f.name).read_bytes() for f in files)
    first = sorted(simulated.landing.iterdir())[0]
    assert first.read_bytes() != (tmp_path / "other" / first.name).read_bytes()


def test_counts_are_those_of_the_files(simulated: Simulated) -> None:
    summary = simulated.summary
    assert summary.files == simulated.tallies
    assert summary.versions == len(simulated.records) == VERSIONS
    assert summary.lines == (
        VERSIONS + summary.duplicates + sum(summary.rejected.values()) + summary.blank
    )
    counts = json.loads((simulated.truth / "counts.json").read_text(encoding="utf-8"))
    assert counts["files"] == simulated.tallies
    assert counts["overall"]["accepted"] == VERSIONS
    assert counts["overall"]["quarantined"] == sum(
        t["quarantined"] for t in simulated.tallies.values()
    )
    histories = _by_process(simulated.records)
    assert sum(summary.processes.values()) == len(histories)


def test_versions_of_one_instant_differ(simulated: Simulated) -> None:
    versions = {json.dumps(record, sort_keys=True) for record in simulated.records}
    assert len(versions) == VERSIONS
    ties = _pairs_with(simulated, lambda before, after: before["updatedAt"] == after["updatedAt"])
    assert any(before["state"] != after["state"] for before, after in ties)
    assert all(
        {**before, "data": None} != {**after, "data": None} or before["data"] != after["data"]
        for before, after in ties
    )


def test_true_visits_are_those_of_the_versions(simulated: Simulated) -> None:
    expected: list[tuple[str, str, int, str, int, int | None]] = []
    for process, versions in _by_process(simulated.records).items():
        visits: list[list[Any]] = []
        is_running = False
        for version in versions:
            goes_on = is_running and not version["isDeleted"] and version["state"] == visits[-1][0]
            if is_running and not goes_on:
                visits[-1][2] = version["updatedAt"]
            if not version["isDeleted"] and not goes_on:
                start = version["updatedAt"] if visits else version["createdAt"]
                visits.append([version["state"], start, None])
            is_running = not version["isDeleted"]
        expected += [
            (process, versions[0]["procedure"], number, *visit)
            for number, visit in enumerate(visits, start=1)
        ]
    visits_frame = pl.read_parquet(simulated.truth / "visits.parquet").with_columns(
        pl.col("entered_at", "left_at").dt.epoch("ms")
    )
    assert sorted(visits_frame.rows(), key=_place) == sorted(expected, key=_place)


def _place(visit: tuple[Any, ...]) -> tuple[str, int]:
    return visit[0], visit[2]


def test_true_outcomes_are_those_of_the_versions(simulated: Simulated) -> None:
    outcomes = pl.read_parquet(simulated.truth / "outcomes.parquet").with_columns(
        pl.selectors.datetime().dt.epoch("ms")
    )
    found = {row["process_id"]: row for row in outcomes.iter_rows(named=True)}
    histories = _by_process(simulated.records)
    assert found.keys() == histories.keys()
    for process, versions in histories.items():
        expected = _outcome(versions)
        assert {name: found[process][name] for name in expected} == expected


def _outcome(versions: list[Record]) -> dict[str, Any]:
    last = versions[-1]
    spells = _spells(versions)
    completions = [start for status, start in spells if status == "COMPLETED"]
    deletions = [
        after["isDeleted"]
        for before, after in pairwise(versions)
        if before["isDeleted"] != after["isDeleted"]
    ]
    outcome = {"OPEN": "open", "COMPLETED": "completed", "CANCELLED": "cancelled"}[last["status"]]
    return {
        "procedure": last["procedure"],
        "outcome": "deleted" if last["isDeleted"] else outcome,
        "created_at": last["createdAt"],
        "first_seen_at": versions[0]["updatedAt"],
        "first_completed_at": completions[0] if completions else None,
        "last_completed_at": completions[-1] if completions else None,
        "n_versions": len(versions),
        "n_completions": len(completions),
        "n_cancellations": sum(status == "CANCELLED" for status, _ in spells),
        "n_reopens": sum(
            before[0] != "OPEN" and after[0] == "OPEN" for before, after in pairwise(spells)
        ),
        "n_deletions": sum(deletions),
        "n_restores": len(deletions) - sum(deletions),
    }


def _spells(versions: list[Record]) -> list[tuple[str, int]]:
    """Status and start of each run of one status while not deleted."""
    spells: list[tuple[str, int]] = []
    running: str | None = None
    for version in versions:
        status, at = version["status"], version["updatedAt"]
        if version["isDeleted"]:
            running = None
            continue
        if status != running:
            stamp = {"COMPLETED": "completedAt", "CANCELLED": "cancelledAt"}.get(status)
            began_at = spells[-1][1] if spells else version["createdAt"]
            start = at if spells else version["createdAt"]
            if stamp is not None:
                claimed = version[stamp] or 0
                start = claimed if max(began_at, version["createdAt"]) <= claimed <= at else at
            spells.append((status, start))
        running = status
    return spells


def _pairs_with(simulated: Simulated, condition: Any) -> list[tuple[Record, Record]]:
    return [
        (before, after)
        for versions in _by_process(simulated.records).values()
        for before, after in pairwise(versions)
        if condition(before, after)
    ]


def test_real_life_happens(simulated: Simulated, procedures: dict[str, Procedure]) -> None:
    histories = _by_process(simulated.records)
    firsts = [versions[0] for versions in histories.values()]
    lasts = [versions[-1] for versions in histories.values()]
    graphs = {p.short_id: p.stategraph or {} for p in procedures.values()}
    ranks = {
        (p.short_id, state.short_id): rank
        for p in procedures.values()
        for rank, state in enumerate(p.states)
    }

    def rank(record: Record) -> int:
        return ranks[record["procedure"], record["state"]]

    def share(condition: Any) -> float:
        return len(_pairs_with(simulated, condition)) / VERSIONS

    assert share(lambda b, a: rank(a) < rank(b)) > 0.01, "backward moves"
    assert share(lambda b, a: rank(a) > rank(b) + 1) > 0.01, "skips"
    assert (
        0
        < share(
            lambda b, a: (
                a["state"] != b["state"]
                and a["state"] not in graphs[a["procedure"]].get(b["state"], ())
            )
        )
        < 0.02
    ), "moves that are not in the stategraph"
    for closed in ("COMPLETED", "CANCELLED"):
        reopened = _pairs_with(
            simulated, lambda b, a, c=closed: b["status"] == c and a["status"] == "OPEN"
        )
        assert reopened, f"{closed} processes are reopened"
        assert any(not after["completedAt"] and not after["cancelledAt"] for _, after in reopened)
    assert share(lambda b, a: a["isDeleted"] and not b["isDeleted"]) > 0, "deletions"
    assert share(lambda b, a: b["isDeleted"] and not a["isDeleted"]) > 0, "restored ones"
    assert share(lambda b, a: b["updatedAt"] == a["updatedAt"]) > 0.01, "ties"
    assert share(lambda b, a: b["assignedTo"] and not a["assignedTo"]) > 0, "unassignments"
    assert share(lambda b, a: b["state"] == a["state"] and b["data"] != a["data"]) > 0.1, "edits"
    assert share(lambda b, a: b["nextActionAt"] != a["nextActionAt"]) > 0.05, "new plans"
    assert any(_ping_pong(versions) for versions in histories.values())
    assert 0 < sum(r["updatedAt"] != r["createdAt"] for r in firsts) < len(firsts) / 5
    assert any(r["status"] == "COMPLETED" for r in firsts), "histories that start at the end"
    assert {r["status"] for r in lasts} == {"OPEN", "COMPLETED", "CANCELLED"}
    assert {r["procedure"] for r in firsts} == {"lead", "ticket"}
    completed = [r for r in simulated.records if r["status"] == "COMPLETED"]
    assert any(not r["completedAt"] for r in completed)
    assert sum(r["completedAt"] == r["updatedAt"] for r in completed) > len(completed) / 4
    assert simulated.summary.late > VERSIONS * 0.02


def _ping_pong(versions: list[Record]) -> bool:
    people: list[str] = []
    for version in versions:
        if version["assignedTo"] and version["assignedTo"] not in people[-1:]:
            people.append(version["assignedTo"])
    return any(a == c for a, c in zip(people, people[2:], strict=False))


def test_parents_are_older_processes(simulated: Simulated) -> None:
    firsts = {key: versions[0] for key, versions in _by_process(simulated.records).items()}
    children = [first for first in firsts.values() if first["parentProcess"]]
    procedures = {first["procedure"] for first in children}
    parents = [firsts[child["parentProcess"]] for child in children]
    assert procedures == {"ticket"}
    assert {parent["procedure"] for parent in parents} == {"lead", "ticket"}
    assert all(
        parent["createdAt"] <= child["createdAt"]
        for parent, child in zip(parents, children, strict=True)
    )


def test_every_kind_of_dirt_occurs(simulated: Simulated, procedures: dict[str, Procedure]) -> None:
    summary = simulated.summary
    for kinds, counted in (
        (REJECTED, summary.rejected),
        (NULLED, summary.nulled),
        (FLAGGED, summary.flagged),
    ):
        assert list(counted) == list(kinds)
        assert all(count > 0 for count in counted.values())
    scores = {_key(record, procedures, "score") for record in simulated.records}
    assert {"n/a", "146"} <= scores
    assert (
        sum(record["belongsTo"] == "pod-7" for record in simulated.records)
        == (summary.nulled["not_a_reference"])
    )


def test_data_is_keyed_by_id_or_by_short_id(simulated: Simulated) -> None:
    keys = {key for record in simulated.records for key in record["data"]}
    assert {"email", "80bf3ea6-4303-5aae-8926-2a0d1e16552d", "priority", "subject"} <= keys


def test_files_by_number_hold_equal_shares(tmp_path: Path) -> None:
    summary = simulate(
        tmp_path, versions=1000, seed=3, end=END, files=4,
        late_share=0, duplicate_share=0, dirty_share=0,
    )  # fmt: skip
    names = [f"part-{number:04}.ndjson" for number in (1, 2, 3, 4)]
    assert [path.name for path in sorted(tmp_path.iterdir())] == names
    assert summary.lines == summary.versions == 1000
    assert all(abs(count["lines"] - 250) <= 2 for count in summary.files.values())


def test_a_short_span_still_holds_all_versions(tmp_path: Path) -> None:
    start = _ms(END) - 2 * 86_400_000
    summary = simulate(tmp_path, versions=500, seed=3, start=start, end=END, dirty_share=0)
    updated = [
        json.loads(line)["updatedAt"]
        for path in tmp_path.iterdir()
        for line in path.read_text(encoding="utf-8").splitlines()
    ]
    assert summary.versions == 500
    assert start <= min(updated) <= max(updated) <= _ms(END)


def test_a_folder_with_landing_files_is_refused(simulated: Simulated) -> None:
    with pytest.raises(SourceError, match="already holds landing files"):
        _simulate(simulated.landing)


@pytest.mark.parametrize(
    "options",
    [{"versions": 0}, {"files": 0}, {"end": datetime(2026, 1, 1)}, {"start": END}],  # noqa: DTZ001
)
def test_impossible_arguments_are_refused(tmp_path: Path, options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="needs"):
        _simulate(tmp_path, **options)
