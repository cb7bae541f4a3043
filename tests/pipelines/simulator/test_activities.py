"""The simulated calls and tasks of leads."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from pipelines.simulator.simulation import simulate
from tests.support.landing_zone import LEAD, Zone

END = 1_780_000_000_000


def written(folder: Path, *, activities: bool) -> Path:
    simulate(folder, versions=2_000, seed=1, end=END, dirty_share=0, activities=activities)
    return folder


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(tmp_path_factory.mktemp("with"), activities=True)


def test_they_follow_from_the_seed_and_change_nothing_else(folder: Path, tmp_path: Path) -> None:
    again = written(tmp_path / "again", activities=True)
    files = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert {path.name: path.read_bytes() for path in again.iterdir()} == files
    without = written(tmp_path / "without", activities=False)
    others = {name: text for name, text in files.items() if name[:5] not in ("calls", "tasks")}
    assert {path.name: path.read_bytes() for path in without.iterdir()} == others


def test_they_are_about_leads_and_end_with_the_data(folder: Path) -> None:
    calls, tasks = lines(folder / "calls.ndjson"), lines(folder / "tasks.ndjson")
    leads = {
        line["id"]: line
        for path in folder.glob("20*.ndjson")
        for text in path.read_text(encoding="utf-8").splitlines()
        if LEAD.id in text
        for line in [json.loads(text)]
    }
    about = {call["forProcess"] for call in calls} | {task["process"] for task in tasks}
    assert about <= leads.keys()
    assert max(line["updatedAt"] for line in (*calls, *tasks)) <= END
    assert all(leads[c["forProcess"]]["createdAt"] < c["callStart"] for c in calls)
    answered = [call for call in calls if call["connectionStart"]]
    assert 0.3 < len(answered) / len(calls) < 0.46
    assert all(c["callStart"] < c["connectionStart"] <= c["connectionEnd"] for c in answered)
    assert all(c["callDuration"] == (c["callEnd"] - c["callStart"]) // 1000 for c in calls)
    statuses = Counter(task["status"] for task in tasks)
    assert statuses["COMPLETED"] < statuses["OPEN"] < 2 * statuses["COMPLETED"]


def test_a_run_accepts_all_of_them(folder: Path, tmp_path: Path) -> None:
    zone = Zone(tmp_path)
    for name in ("calls", "tasks"):
        zone.put(f"{name}.ndjson", (folder / f"{name}.ndjson").read_bytes())
    counts = zone.ingest().counts
    assert counts.accepted == counts.lines > 300
    zone.con.close()
