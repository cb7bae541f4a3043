"""Notebooks run from their first cell to their last, without a browser, and data to run them on."""

from __future__ import annotations

import importlib
import json
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import altair as alt
import pytest
import yaml

from notebooks.parts import layout
from pipelines.launch import run_job
from pipelines.run import Request
from pipelines.settings import PROCEDURES_FOLDER, Settings
from pipelines.simulator import simulate

END = datetime(2026, 3, 1, tzinfo=UTC)
NOTEBOOKS = ("comparison", "conversion", "data_quality", "flow", "outcomes", "resolution_times")
_IN_HAND = "{name: in_hand, steps: [NEW, {name: In hand, states: [QUALIFIED, PROPOSAL]}]"


@dataclass(frozen=True)
class Shown:
    """What a notebook puts on its page, as text, and the names that its cells define."""

    text: str
    names: dict[str, Any]


def show(name: str, data: Path, **widgets: Any) -> Shown:
    """Run a notebook from its first cell to its last; `widgets` take the place of its own."""
    app = importlib.import_module(f"notebooks.{name}").app
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LEADTIME_DATA", str(data))
        outputs, names = app.run(defs=widgets or None)
    return Shown("\n".join(map(_text, outputs)), dict(names))


def _text(output: Any) -> str:
    if isinstance(output, alt.TopLevelMixin):
        return json.dumps(output.to_dict())
    return getattr(output, "text", "")


def chosen(**values: Any) -> dict[str, Any]:
    """Widgets in which these values are chosen."""
    return {name: layout.choice({str(value): value}, name) for name, value in values.items()}


def make_leads_and_tickets(folder: Path) -> None:
    """Run the job once. Leads have a breakdown, tickets no funnel."""
    settings = Settings(
        data=folder / "data",
        landing=folder / "landing",
        procedures=shutil.copytree(PROCEDURES_FOLDER, folder / "procedures"),
    )
    lead, ticket = settings.procedures / "lead.yaml", settings.procedures / "ticket.yaml"
    lead.write_text(
        lead.read_text().replace("{name: qualification, steps: [NEW, QUALIFIED]", _IN_HAND)
    )
    before, _, after = ticket.read_text().partition("funnels:\n")
    ticket.write_text(before + after[after.index("slas:") :])
    simulate(settings.landing, versions=2_000, seed=5, end=END, dimensions=True)
    assert run_job(settings, Request(as_of=END)).generation


def make_nothing(folder: Path) -> None:
    """Run the job once, over one line that is no process."""
    settings = Settings(data=folder / "data", landing=folder / "landing")
    settings.landing.mkdir(parents=True)
    (settings.landing / "1.ndjson").write_text("{\n")
    assert run_job(settings, Request(as_of=END)).generation


def make_one(folder: Path) -> None:
    """Run the job once, over one new lead, in definitions without any funnel."""
    settings = Settings(
        data=folder / "data",
        landing=folder / "landing",
        procedures=shutil.copytree(PROCEDURES_FOLDER, folder / "procedures"),
    )
    for file in settings.procedures.glob("*.yaml"):
        before, _, after = file.read_text().partition("funnels:\n")
        file.write_text(before + after[after.index("slas:") :])
    lead = yaml.safe_load((settings.procedures / "lead.yaml").read_text())
    version = {
        "id": "5e1c0a52-1f3c-4c55-9d0b-0a9a4b6f3c21",
        "team": "0d9c5f6e-9f63-4a2b-8a35-6a0f5d3f2b11",
        "procedure": lead["id"],
        "status": "OPEN",
        "state": lead["states"][0]["shortId"],
        "createdAt": 1_772_000_000_000,
        "updatedAt": 1_772_000_000_000,
        "data": {},
    }
    settings.landing.mkdir()
    (settings.landing / "1.ndjson").write_text(json.dumps(version) + "\n")
    assert run_job(settings, Request(as_of=END)).generation
