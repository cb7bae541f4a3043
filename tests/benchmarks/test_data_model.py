"""What attributes and formulas cost: the same versions with empty documents, and with full ones.

Run with `uv run pytest -m benchmark`; LEADTIME_BENCHMARK_VERSIONS sets the size. Nothing is
asserted about time: a slow machine is no defect.
"""

import os
import re
import resource
import sys
import time
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from pipelines.run import Request, open_run
from pipelines.settings import PROCEDURES_FOLDER, Settings
from pipelines.simulator import simulate
from schemas.compiled.derivations import plan_derivations
from tests.benchmarks.test_main_job import VERSIONS, leadtime_run
from transforms.derive.derived import Deriver

pytestmark = pytest.mark.benchmark
GOAL = 1.6
N_ATTRIBUTES = 20
_DOCUMENTS = re.compile(rb',"data":\{.*$')
_NO_DOCUMENTS = b',"data":{},"derivedData":{}}'
_FORMULAS = {
    "lead": {
        "expected_value": ("decimal", "budget * case state when 'PROPOSAL' then 0.5 else 0.1 end"),
        "is_hot": ("boolean", "score >= 50 and consent and plan in ('Team', 'Business')"),
        "plan_rank": ("integer", "case plan when 'Business' then 3 when 'Team' then 2 else 1 end"),
        "value_per_point": ("float", "budget / nullif(score, 0)"),
        "mail_domain": ("string", "split_part(lower(email), '@', 2)"),
        "is_local": ("boolean", "starts_with(phone, '+49')"),
        "days_to_close": ("float", "days_between(created_at, cast(expected_close_on as timestamp))"),
        "n_interests": ("integer", "len(interests)"),
        "label": ("string", "concat(full_name, ' (', upper(source), ')')"),
        "share_worked": ("float", "work_seconds / nullif(open_seconds, 0)"),
    },
    "ticket": {
        "is_quick": ("boolean", "resolution_seconds < 86400 and n_reopens = 0"),
        "effort_per_reopen": ("float", "effort_hours / nullif(n_reopens, 0)"),
        "weight": ("integer", "(5 - priority) * if(is_escalated, 2, 1)"),
        "effort_minutes": ("integer", "cast(round(effort_hours * 60) as bigint)"),
        "mail_domain": ("string", "split_part(lower(reporter_email), '@', 2)"),
        "is_vip": ("boolean", "contains(tags, 'vip')"),
        "number_only": ("integer", "cast(regexp_extract(number, '[0-9]+') as bigint)"),
        "mood": ("string", "case when satisfaction >= 4 then 'good' when satisfaction <= 2 then 'bad' end"),
        "follow_up_days": ("float", "days_between(created_at, follow_up_at)"),
        "share_waiting": ("float", "waiting_customer_seconds / nullif(open_seconds, 0)"),
    },
}  # fmt: skip


def test_attributes_and_formulas(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    full, empty = tmp_path / "full", tmp_path / "empty"
    simulate(full / "landing", versions=VERSIONS, seed=1, end=datetime(2026, 9, 1, tzinfo=UTC))
    empty_documents(full / "landing", empty / "landing")
    for folder in (full, empty):
        write_definitions(folder / "procedures", with_values=folder is full)
    measured, cpu = {}, {}
    for folder in (empty, full):
        monkeypatch.setenv("LEADTIME_PROCEDURES", str(folder / "procedures"))
        before = cpu_seconds()
        measured[folder] = leadtime_run(folder)
        cpu[folder] = cpu_seconds() - before
    values, formulas = count_values(full), formula_seconds(full)
    ratio = measured[full].work / measured[empty].work
    report = f"""
{VERSIONS:,} versions, {os.cpu_count()} cores
(a) run with empty documents, no attributes: {measured[empty].work:.2f} s of processor time \
({cpu[empty]:.1f} s with imports), peak {measured[empty].peak_gb:.2f} GB
(b) run with {N_ATTRIBUTES} attributes and 10 formulas a procedure: \
{measured[full].work:.2f} s of processor time ({cpu[full]:.1f} s with imports), \
peak {measured[full].peak_gb:.2f} GB
    = {ratio:.2f} x (a); the goal is {GOAL}
    formulas alone, {values:,} values: {formulas:.2f} s
"""
    with capsys.disabled():
        sys.stdout.write(report)


def cpu_seconds() -> float:
    """Processor time of all processes that were started here and have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def empty_documents(landing: Path, to: Path) -> None:
    """The same lines without values; they end with their documents."""
    to.mkdir(parents=True)
    for file in sorted(landing.iterdir()):
        with file.open("rb") as source, (to / file.name).open("wb") as target:
            for line in source:
                kept = _DOCUMENTS.sub(_NO_DOCUMENTS, line.rstrip(b"\n"))
                target.write(kept + b"\n")


def write_definitions(folder: Path, *, with_values: bool) -> None:
    """The delivered procedures, without any attribute or with exactly 20 and 10 formulas each."""
    folder.mkdir()
    for file in PROCEDURES_FOLDER.glob("*.yaml"):
        definition: dict[str, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))
        for key in ("derivedAttributes", "recordAttributes"):
            definition.pop(key, None)
        if with_values:
            namespace = uuid.UUID(definition["id"])
            declared = definition["attributes"]
            for number in range(len(declared), N_ATTRIBUTES):
                name = f"spare_{number}"
                made = {"id": str(uuid.uuid5(namespace, name)), "shortId": name, "type": "string"}
                declared.append(made)
            assert len(declared) == N_ATTRIBUTES
            definition["derivedAttributes"] = [
                {
                    "id": str(uuid.uuid5(namespace, name)),
                    "shortId": name,
                    "type": kind,
                    "formula": formula,
                }
                for name, (kind, formula) in _FORMULAS[definition["shortId"]].items()
            ]
        else:
            for key in ("attributes", "primaryKey", "primaryIdentifier"):
                definition.pop(key)
        text = yaml.safe_dump(definition, sort_keys=False, allow_unicode=True)
        (folder / file.name).write_text(text, encoding="utf-8")


def formula_seconds(folder: Path) -> float:
    """Time to compute the formulas of all processes anew, their inputs being read with them."""
    settings = Settings(
        data=folder / "data", landing=folder / "landing", procedures=folder / "procedures"
    )
    with open_run(settings, Request(), purpose="a benchmark") as run:
        run.builder.build_all()
        plan = plan_derivations(run.procedures)
        deriver = Deriver(run.con, plan, catalog="warehouse")
        started = time.perf_counter()
        deriver.derive(run.procedures)
        return time.perf_counter() - started


def count_values(folder: Path) -> int:
    """Values that formulas gave in the published database; every formula must give some."""
    with duckdb.connect(folder / "data" / "analytics.duckdb", read_only=True) as con:
        query = "select attribute, n_computed, n_failed from derived_drift"
        rows = con.execute(query).fetchall()
    assert len(rows) == sum(map(len, _FORMULAS.values()))
    assert all(n_computed > 0 and n_failed == 0 for _, n_computed, n_failed in rows), rows
    return sum(n_computed for _, n_computed, _ in rows)
