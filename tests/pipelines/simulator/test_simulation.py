"""The simulator: same seed same bytes, counts that add up, and a truth that the files bear out.

How the pipeline reads such files does not belong here.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from pipelines.settings import PROCEDURES_FOLDER
from pipelines.simulator import SimulationSummary, simulate
from pipelines.simulator.damage import FLAGGED, NULLED, REJECTED
from schemas.definitions.procedure import Procedure
from schemas.errors import OperationError
from schemas.load import load_procedures
from tests.support.simulated_files import (
    Record,
    Tallies,
    by_process,
    has_ping_pong,
    naive_outcome,
    naive_visits,
    pairs_with,
    read_landing,
    value_of,
)
from tests.support.simulated_truth import simulate_with_truth

END = datetime(2026, 10, 20, 9, 30, tzinfo=UTC)
VERSIONS = 3000


@dataclass(frozen=True)
class Simulated:
    """One simulation, read back: accepted records in ingest order, tallies by file, the truth."""

    landing: Path
    truth: Path
    summary: SimulationSummary
    records: list[Record]
    tallies: Tallies


def _ms(instant: datetime) -> int:
    return round(instant.timestamp() * 1000)


@pytest.fixture(scope="module")
def procedures() -> dict[str, Procedure]:
    return {str(procedure.id): procedure for procedure in load_procedures(PROCEDURES_FOLDER)}


@pytest.fixture(scope="module")
def simulated(
    tmp_path_factory: pytest.TempPathFactory, procedures: dict[str, Procedure]
) -> Simulated:
    folder = tmp_path_factory.mktemp("simulated")
    landing, truth = folder / "landing", folder / "truth"
    summary = _simulate(landing, truth)
    records, tallies = read_landing(landing, procedures)
    return Simulated(landing, truth, summary, records, tallies)


def _simulate(landing: Path, truth: Path | None = None, **options: Any) -> SimulationSummary:
    defaults: dict[str, Any] = {
        "versions": VERSIONS,
        "seed": 11,
        "end": END,
        "late_share": 0.05,
        "duplicate_share": 0.03,
        "dirty_share": 0.06,
    }
    if truth is None:
        return simulate(landing, **defaults | options)
    return simulate_with_truth(landing, truth, **defaults | options)


def test_the_same_seed_gives_the_same_bytes(simulated: Simulated, tmp_path: Path) -> None:
    _simulate(tmp_path / "again", tmp_path / "truth")
    _simulate(tmp_path / "other", seed=12)
    for folder, twin in ((simulated.landing, "again"), (simulated.truth, "truth")):
        files = sorted(folder.iterdir())
        assert [f.name for f in files] == sorted(f.name for f in (tmp_path / twin).iterdir())
        assert all(f.read_bytes() == (tmp_path / twin / f.name).read_bytes() for f in files)
    first = min(simulated.landing.iterdir())
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
    histories = by_process(simulated.records)
    assert sum(summary.processes.values()) == len(histories)


def test_versions_of_one_instant_differ(simulated: Simulated) -> None:
    versions = {json.dumps(record, sort_keys=True) for record in simulated.records}
    assert len(versions) == VERSIONS
    ties = pairs_with(
        simulated.records, lambda before, after: before["updatedAt"] == after["updatedAt"]
    )
    assert any(before["state"] != after["state"] for before, after in ties)
    assert all(
        {**before, "data": None} != {**after, "data": None} or before["data"] != after["data"]
        for before, after in ties
    )


def test_true_visits_are_those_of_the_versions(simulated: Simulated) -> None:
    expected = naive_visits(simulated.records)
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
    histories = by_process(simulated.records)
    assert found.keys() == histories.keys()
    for process, versions in histories.items():
        expected = naive_outcome(versions)
        assert {name: found[process][name] for name in expected} == expected


def test_real_life_happens(simulated: Simulated, procedures: dict[str, Procedure]) -> None:
    histories = by_process(simulated.records)
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
        return len(pairs_with(simulated.records, condition)) / VERSIONS

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
        reopened = pairs_with(
            simulated.records, lambda b, a, c=closed: b["status"] == c and a["status"] == "OPEN"
        )
        assert reopened, f"{closed} processes are reopened"
        assert any(not after["completedAt"] and not after["cancelledAt"] for _, after in reopened)
    assert share(lambda b, a: a["isDeleted"] and not b["isDeleted"]) > 0, "deletions"
    assert share(lambda b, a: b["isDeleted"] and not a["isDeleted"]) > 0, "restored ones"
    assert share(lambda b, a: b["updatedAt"] == a["updatedAt"]) > 0.01, "ties"
    assert share(lambda b, a: b["assignedTo"] and not a["assignedTo"]) > 0, "unassignments"
    assert share(lambda b, a: b["state"] == a["state"] and b["data"] != a["data"]) > 0.1, "edits"
    assert share(lambda b, a: b["nextActionAt"] != a["nextActionAt"]) > 0.05, "new plans"
    assert any(has_ping_pong(versions) for versions in histories.values())
    assert 0 < sum(r["updatedAt"] != r["createdAt"] for r in firsts) < len(firsts) / 5
    assert any(r["status"] == "COMPLETED" for r in firsts), "histories that start at the end"
    assert {r["status"] for r in lasts} == {"OPEN", "COMPLETED", "CANCELLED"}
    assert {r["procedure"] for r in firsts} == {"lead", "ticket"}
    completed = [r for r in simulated.records if r["status"] == "COMPLETED"]
    assert any(not r["completedAt"] for r in completed)
    assert sum(r["completedAt"] == r["updatedAt"] for r in completed) > len(completed) / 4
    assert simulated.summary.late > VERSIONS * 0.02


def test_every_kind_of_dirt_occurs(simulated: Simulated, procedures: dict[str, Procedure]) -> None:
    summary = simulated.summary
    for kinds, counted in (
        (REJECTED, summary.rejected),
        (NULLED, summary.nulled),
        (FLAGGED, summary.flagged),
    ):
        assert list(counted) == list(kinds)
        assert all(count > 0 for count in counted.values())
    scores = {value_of(record, procedures, "score") for record in simulated.records}
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
    with pytest.raises(OperationError, match="already holds landing files"):
        _simulate(simulated.landing)


@pytest.mark.parametrize(
    "options",
    [{"versions": 0}, {"files": 0}, {"end": datetime(2026, 1, 1)}, {"start": END}],
)
def test_impossible_arguments_are_refused(tmp_path: Path, options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="needs"):
        _simulate(tmp_path, **options)
