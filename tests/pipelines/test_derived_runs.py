"""Derived attributes in whole runs: what formulas, rollups and scripts give, worked out again.

Plain Python over the landing files stands against the published tables. How single formulas are
computed belongs to `tests/schemas` and `tests/transforms`.
"""

from __future__ import annotations

import json
from collections import defaultdict
from datetime import UTC, datetime
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest
import yaml
import zstandard

from pipelines.run import Request
from pipelines.settings import PROCEDURES_FOLDER, Settings
from schemas.load import load_procedures
from schemas.records.dimensions import DIMENSIONS
from tests.support.builds import INCIDENTS, build_all
from tests.support.in_clear import connect_in_clear
from tests.support.simulated_files import Record, by_process, read_landing, value_of
from tests.support.simulated_truth import simulate_with_truth

END = datetime(2026, 3, 1, tzinfo=UTC)
PROCEDURES = {str(procedure.id): procedure for procedure in load_procedures(PROCEDURES_FOLDER)}

Rows = dict[str, dict[str, Any]]


class Simulated:
    """A run over simulated files with names: the published database, what was landed, the truth."""

    def __init__(self, folder: Path) -> None:
        landing = folder / "landing"
        simulate_with_truth(
            landing, folder / "truth", versions=9_000, seed=23, end=END, dimensions=True
        )
        settings = Settings(data=folder / "data", landing=landing)
        self.path = build_all(settings, Request(as_of=END))
        self.derived = pl.read_parquet(folder / "truth" / "derived.parquet")
        self.names: dict[str, Rows] = {}
        processes = folder / "processes"
        processes.mkdir()
        for file in landing.iterdir():
            if file.stem in DIMENSIONS:
                lines = map(json.loads, file.read_text(encoding="utf-8").splitlines())
                self.names[file.stem] = {line["id"]: line for line in lines}
            else:
                file.rename(processes / file.name)
        records, _ = read_landing(processes, PROCEDURES)
        self.histories = by_process(records)
        self.leads = self.rows("lead_processes")
        self.tickets = self.rows("ticket_processes")

    def latest(self, procedure: str) -> dict[str, Record]:
        """The latest version of each process of a procedure."""
        lasts = {process: versions[-1] for process, versions in self.histories.items()}
        return {key: last for key, last in lasts.items() if last["procedure"] == procedure}

    def rows(self, table: str) -> Rows:
        with connect_in_clear(self.path) as con:
            frame = con.sql(f"select process_id::varchar as id, * from {table}").pl()
        return {row["id"]: row for row in frame.iter_rows(named=True)}


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Simulated:
    return Simulated(tmp_path_factory.mktemp("simulated"))


@pytest.mark.nightly
def test_expected_values_and_tickets_are_the_true_ones(simulated: Simulated) -> None:
    found = {
        key: (
            None if row["expected_value"] is None else row["expected_value"] * 100,
            row["n_tickets"],
        )
        for key, row in simulated.leads.items()
    }
    expected = {
        key: (None if cents is None else Decimal(cents), n)
        for key, cents, _, n in simulated.derived.iter_rows()
    }
    assert found == expected
    assert sum(n for _, n in found.values()) > len(found) / 5


def test_supplied_values_that_are_wrong_are_flagged(simulated: Simulated) -> None:
    drifted = {row["process_id"] for row in simulated.derived.filter("has_drift").to_dicts()}
    with duckdb.connect(simulated.path, read_only=True) as con:
        flagged = con.execute(
            "select process_id::varchar from violations where rule = 'derived:expected_value:differs'"
        ).fetchall()
        drift = con.execute(
            "select n_different from derived_drift where attribute = 'expected_value'"
        ).fetchall()
    assert {process for (process,) in flagged} == drifted
    assert drift == [(len(drifted),)]
    assert drifted


def test_what_a_lead_is_worth_follows_from_its_latest_version(simulated: Simulated) -> None:
    plans = {"Starter": 0, "Team": 10, "Business": 20}
    sources = {"Referral": 15, "Partner": 10, "Event": 5, "Website": 5}
    grades: set[str | None] = set()
    for key, last in simulated.latest("lead").items():
        score, plan, source, consent = (
            value_of(last, PROCEDURES, name) for name in ("score", "plan", "source", "consent")
        )
        score = int(score) if score not in (None, "n/a") else None
        plan = plan if plan in plans else None
        grade = None
        if score is not None:
            points = score + plans.get(plan or "", 0) + sources.get(source, 0) + 10 * bool(consent)
            grade = next(
                (g for g, least in (("A", 90), ("B", 70), ("C", 45)) if points >= least), "D"
            )
        is_open = last["status"] == "OPEN" and not last["isDeleted"]
        conditions = [
            is_open,
            consent,
            None if score is None else score >= 50,
            None if plan is None else plan in ("Team", "Business"),
        ]
        is_hot = False if False in conditions else None if None in conditions else True
        row = simulated.leads[key]
        assert (row["grade"], row["is_hot"]) == (grade, is_hot), key
        grades.add(grade)
    assert grades >= {"A", "B", "C", "D"}
    assert any(row["is_hot"] for row in simulated.leads.values())


def test_the_size_of_a_company_is_that_of_its_record(simulated: Simulated) -> None:
    bands = ((10, "1-9"), (50, "10-49"), (250, "50-249"))
    found: set[str | None] = set()
    for key, last in simulated.latest("lead").items():
        record = simulated.names["records"].get(last["record"], {"name": last["record"]})
        size = record.get("data", {}).get("size")
        band = None
        if size is not None:
            band = next((name for below, name in bands if size < below), "250 and more")
        row = simulated.leads[key]
        assert (row["record_size"], row["company_size_band"]) == (size, band)
        assert row["record_name"] == record["name"]
        found.add(band)
    assert found == {None, "1-9", "10-49", "50-249", "250 and more"}


def test_hours_on_open_tickets_add_up(simulated: Simulated) -> None:
    hours: defaultdict[str, list[float]] = defaultdict(list)
    for ticket in simulated.latest("ticket").values():
        effort = value_of(ticket, PROCEDURES, "effort_hours")
        is_open = ticket["status"] == "OPEN" and not ticket["isDeleted"]
        if ticket["parentProcess"] and is_open and effort not in (None, "two days"):
            hours[ticket["parentProcess"]].append(float(effort))
    assert len(hours.keys() & simulated.leads.keys()) > 3
    for key, row in simulated.leads.items():
        expected = pytest.approx(sum(hours[key])) if hours[key] else None
        assert row["open_ticket_effort"] == expected, key


def test_what_became_of_a_ticket_follows_from_its_history(simulated: Simulated) -> None:
    n_ratios = 0
    found_bands: set[str | None] = set()
    for key, row in simulated.tickets.items():
        versions = simulated.histories[key]
        last = versions[-1]
        is_completed = last["status"] == "COMPLETED" and not last["isDeleted"]
        assert (row["is_first_contact_resolution"] is None) != is_completed
        states = {version["state"] for version in versions if not version["isDeleted"]}
        statuses = [version["status"] for version in versions]
        has_reopened = any(
            before != "OPEN" and after == "OPEN" for before, after in pairwise(statuses)
        )
        if is_completed and "WAITING_CUSTOMER" not in states and not has_reopened:
            people = [v["assignedTo"] for v in versions if v["assignedTo"] and not v["isDeleted"]]
            assert row["is_first_contact_resolution"] == (len(set(people)) <= 1), key
        elif row["is_first_contact_resolution"] and has_reopened:
            pytest.fail(f"{key} was reopened")
        effort = value_of(last, PROCEDURES, "effort_hours")
        ratio = None
        if row["n_reopens"] and effort not in (None, "two days"):
            ratio = pytest.approx(float(effort) / row["n_reopens"])
            n_ratios += 1
        assert row["effort_per_reopen"] == ratio, key
        if last["status"] == "OPEN" and not last["isDeleted"]:
            start = min(last["createdAt"], versions[0]["updatedAt"])
            days = (END.timestamp() * 1000 - start) / 86_400_000
            bands = ((1, "up to a day"), (7, "up to a week"), (30, "up to a month"))
            band = next((name for most, name in bands if days <= most), "older")
        else:
            band = None
        assert row["age_band"] == band, key
        found_bands.add(band)
    assert n_ratios > 5
    assert found_bands >= {None, "up to a day", "up to a week", "up to a month", "older"}


def test_a_simulated_run_derives_every_attribute(simulated: Simulated) -> None:
    with duckdb.connect(simulated.path, read_only=True) as con:
        rows = con.execute(
            "select attribute, n_failed, n_computed > 0 from derived_drift order by attribute"
        ).fetchall()
    defined = {d.short_id for p in PROCEDURES.values() for d in p.derived_attributes}
    assert rows == [(name, 0, True) for name in sorted(defined)]


# The incident history, with two attributes of our own

_PRESSURE = '''
import polars as pl


def pressure(incidents: pl.DataFrame) -> pl.Series:
    """Seven less the digits of impact and urgency, doubled when the promise was broken."""
    digits = [pl.col(name).str.head(1).cast(pl.Int64) for name in ("impact", "urgency")]
    points = 7 - digits[0] - digits[1]
    broken = pl.when("made_sla").then(1).otherwise(2)
    return incidents.select(points * broken).to_series()
'''
_DERIVED = [
    {
        "id": "5b1ff1b3-3a55-5c9a-8e10-90a8f3ce5f01",
        "shortId": "changes_per_handover",
        "type": "float",
        "formula": "mod_count / nullif(reassignment_count + reopen_count, 0)",
    },
    {
        "id": "5b1ff1b3-3a55-5c9a-8e10-90a8f3ce5f02",
        "shortId": "pressure",
        "type": "integer",
        "script": "pressure.py:pressure",
        "reads": ["impact", "urgency", "made_sla"],
    },
]


@pytest.mark.nightly
def test_incidents_gain_a_formula_and_a_script(tmp_path: Path) -> None:
    if not INCIDENTS.is_dir():
        pytest.skip("the incident history is not at hand")
    definition = yaml.safe_load((INCIDENTS / "incident.yaml").read_text(encoding="utf-8"))
    definition["derivedAttributes"] = _DERIVED
    folder = tmp_path / "procedures"
    folder.mkdir()
    (folder / "incident.yaml").write_text(yaml.safe_dump(definition, sort_keys=False))
    (folder / "pressure.py").write_text(_PRESSURE)
    landing = INCIDENTS / "landing"
    settings = Settings(data=tmp_path / "data", landing=landing, procedures=folder)
    path = build_all(settings, Request(as_of=END))
    expected = {
        key: (_ratio(values), _points(values))
        for key, values in _latest_values(landing, definition).items()
    }
    query = "select process_id::varchar, changes_per_handover, pressure from incident_processes"
    with duckdb.connect(path, read_only=True) as con:
        found = {key: (ratio, points) for key, ratio, points in con.execute(query).fetchall()}
    assert found == expected
    assert len(found) == 24_918
    assert len({ratio for ratio, _ in found.values()}) > 100
    assert {points for _, points in found.values()} >= {1, 2, 3, 5}


def _latest_values(landing: Path, definition: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Per incident the values of its latest version in a known state, by shortId."""
    names = {attribute["id"]: attribute["shortId"] for attribute in definition["attributes"]}
    states = {state[key] for state in definition["states"] for key in ("id", "shortId")}
    latest: dict[str, tuple[int, dict[str, Any]]] = {}
    for file in sorted(landing.iterdir()):
        with file.open("rb") as raw, zstandard.ZstdDecompressor().stream_reader(raw) as reader:
            lines = reader.read().splitlines()
        for line in lines:
            record = json.loads(line)
            at, key = record["updatedAt"], record["id"]
            # Of two versions of one minute the later line counts.
            if record["state"] in states and at >= latest.get(key, (0, {}))[0]:
                values = {names.get(k, k): value for k, value in record["data"].items()}
                latest[key] = at, values
    return {key: values for key, (_, values) in latest.items()}


def _ratio(values: dict[str, Any]) -> float | None:
    handovers = values["reassignment_count"] + values["reopen_count"]
    return values["mod_count"] / handovers if handovers else None


def _points(values: dict[str, Any]) -> int:
    points = 7 - int(values["impact"][0]) - int(values["urgency"][0])
    return points if values["made_sla"] else 2 * points
