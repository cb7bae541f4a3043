"""The notebooks over a simulated database: their figures are those of the tables.

How charts look is for eyes; what the tables must hold is tested where they are made.
"""

from __future__ import annotations

import importlib
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import altair as alt
import duckdb
import polars as pl
import pytest
from playwright.sync_api import Request, expect

from notebooks.parts import layout
from notebooks.parts.funnels import OWN_STATES, Window, funnels_of
from notebooks.parts.published import bins, connect, in_percent, in_words
from pipelines.launch import run_job
from pipelines.run import Request as RunRequest
from pipelines.settings import PROCEDURES_FOLDER, Settings
from pipelines.simulator import simulate
from pipelines.terminal.text import duration, share
from tests.support.browser import free_port, needs_browser, open_page, serving

END = datetime(2026, 3, 1, tzinfo=UTC)
NOTEBOOKS = ("conversion", "data_quality", "resolution_times")
_IN_HAND = "{name: in_hand, steps: [NEW, {name: In hand, states: [QUALIFIED, PROPOSAL]}]"
FOLDER = Path(__file__).parents[2] / "notebooks"


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


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder on which the job has run once. Leads have a breakdown, tickets no funnel."""
    folder = tmp_path_factory.mktemp("notebooks")
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
    assert run_job(settings, RunRequest(as_of=END)).generation
    return settings.data


@pytest.fixture
def published(data: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LEADTIME_DATA", str(data))
        con = connect()
    assert con is not None
    with con:
        yield con


def test_they_are_as_marimo_wants_them() -> None:
    files = [str(FOLDER / f"{name}.py") for name in NOTEBOOKS]
    command = [sys.executable, "-m", "marimo", "check", "--strict", *files]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_a_funnel_is_that_of_the_tables(data: Path, published: duckdb.DuckDBPyConnection) -> None:
    widgets = chosen(procedure="lead", mode="strict", outcome="cancelled")
    shown = show("conversion", data, **widgets)
    rows = published.sql("""
        select step, processes, share_of_first, median_seconds_from_first, immature
        from funnel_steps where procedure = 'lead' and funnel = 'conversion' and mode = 'strict'
        order by step_no
    """).fetchall()
    assert (
        shown.names["steps"]
        .select("step", "processes", "share_of_first", "median_seconds_from_first", "immature")
        .rows()
        == rows
    )
    step, processes, part, median, immature = rows[-1]
    assert step == "CONVERTED"
    assert immature > 0
    for figure in (f"{processes:,}", in_percent(part), in_words(median)):
        assert figure in shown.text
    assert f"{immature} open processes may still reach CONVERTED: its share can rise" in shown.text
    assert "within 60 d of the first step" in shown.text


def test_a_window_of_the_readers_own_is_counted_by_the_macro(
    data: Path, published: duckdb.DuckDBPyConnection
) -> None:
    defined = funnels_of(published, "lead")["conversion"]
    widgets = chosen(procedure="lead", mode="ordered", outcome="completed")
    widgets |= {
        "window": layout.choice({"7 d": defined.windows["7 d"]}, "window"),
        "breakdown": layout.choice(["nothing"], "breakdown"),
    }
    assert widgets["window"].value == Window(timedelta(days=7))
    shown = show("conversion", data, **widgets)
    rows = published.sql("""
        select processes from funnel(
            ['NEW', 'CONTACTED', 'QUALIFIED', 'PROPOSAL', 'CONVERTED'],
            procedure := 'lead', within := interval 7 days
        ) order by step_no
    """).fetchall()
    assert shown.names["steps"].select("processes").rows() == rows
    usual = show(
        "conversion", data, **chosen(procedure="lead", mode="ordered", outcome="completed")
    )
    assert usual.names["steps"]["processes"][-1] > rows[-1][0]
    assert "within 7 d of the first step" in shown.text


def test_values_of_a_breakdown_add_up_to_the_funnel(data: Path) -> None:
    widgets = chosen(procedure="lead", mode="ordered", outcome="completed")
    shown = show("conversion", data, **widgets)
    window = shown.names["window"]
    broken_down = show(
        "conversion", data, **widgets, window=window, breakdown=layout.choice(["source"], "by")
    )
    values = broken_down.names["values"]
    by_step = values.group_by("step", maintain_order=True).agg(pl.col("processes").sum())
    assert by_step["processes"].to_list() == shown.names["steps"]["processes"][1:].to_list()
    assert "By source" in broken_down.text
    assert "By source" not in shown.text


def test_cohorts_and_curves_are_those_of_the_tables(
    data: Path, published: duckdb.DuckDBPyConnection
) -> None:
    shown = show(
        "conversion", data, **chosen(procedure="lead", mode="reached", outcome="completed")
    )
    ((last, mature),) = published.sql("""
        select share_of_first, immature = 0 from funnel_cohorts
        where procedure = 'lead' and funnel = 'conversion' and mode = 'reached'
        order by cohort desc, step_no desc limit 1
    """).fetchall()
    text = shown.names["cohorts"]["text"][-1]
    assert text == f"{100 * last:.0f} %" + ("" if mature else " ↑")
    assert not mature
    curves = shown.names["curves"]
    for outcome in ("completed", "cancelled"):
        last = curves.filter(line=outcome).select("day", "cumulative_incidence", "upper_95").row(-1)
        assert published.sql(f"""
            select day, cumulative_incidence, upper_95 from outcome_curves
            where procedure = 'lead' and outcome = '{outcome}' and day = {last[0]}
        """).fetchall() == [last]
    ((without, everything),) = published.sql("""
        select count(*) filter (ended_by <> 'outcome'), count(*) from process_outcomes
        where procedure = 'lead'
    """).fetchall()
    assert f"{without:,} of {everything:,} have no outcome yet" in shown.text
    assert "Gray's test" not in shown.text


def test_curves_by_value_come_with_their_test(
    data: Path, published: duckdb.DuckDBPyConnection
) -> None:
    widgets = chosen(procedure="lead", mode="reached", outcome="completed", compared="source")
    shown = show("conversion", data, **widgets)
    ((p_adjusted, n_tests),) = published.sql("""
        select p_adjusted, n_tests from outcome_curve_tests
        where procedure = 'lead' and attribute = 'source' and outcome = 'completed'
    """).fetchall()
    found = "p < 0.001" if p_adjusted < 0.001 else f"p = {p_adjusted:.3f}"
    assert f"{found}, adjusted for {n_tests} comparisons (Holm)." in shown.text


def test_without_funnels_the_reader_chooses_states(data: Path) -> None:
    shown = show(
        "conversion", data, **chosen(procedure="ticket", mode="ordered", outcome="completed")
    )
    assert shown.names["steps"]["step"].to_list() == ["NEW", "CLOSED"]
    assert "By month of entry" not in shown.text
    assert "Outcomes by age" in shown.text


def test_a_funnel_that_is_more_than_states_keeps_its_window(
    published: duckdb.DuckDBPyConnection,
) -> None:
    """The macro would count something else than the definition says."""
    funnels = funnels_of(published, "lead")
    assert list(funnels) == ["conversion", "in_hand", OWN_STATES]
    assert list(funnels["conversion"].windows)[:3] == ["as defined (60 d)", "no limit", "1 d"]
    assert list(funnels["in_hand"].windows) == ["as defined (14 d)"]
    assert list(funnels[OWN_STATES].windows)[:2] == ["no limit", "1 d"]


def test_times_are_those_of_the_tables(data: Path, published: duckdb.DuckDBPyConnection) -> None:
    widgets = {
        "procedure": layout.choice(["ticket"], "procedure"),
        "measure": layout.choice({"to the first completion": "resolution"}, "time"),
        "clock": layout.choice({"working time": "business_"}, "in"),
    }
    shown = show("resolution_times", data, **widgets)
    ((n, median),) = published.sql("""
        select n, p50_seconds from duration_stats
        where procedure = 'ticket' and measure = 'business_resolution' and period is null
    """).fetchall()
    ((waiting,),) = published.sql("""
        select count(*) from ticket_processes
        where outcome = 'open' and resolution_seconds is null
    """).fetchall()
    assert shown.names["bins"]["n"].sum() == n
    assert in_words(median) in shown.text
    assert f"{n:,} finished processes. {waiting} open processes not included." in shown.text
    assert shown.names["states"]["state"].to_list()[:2] == ["NEW", "TRIAGE"]
    open_now = published.sql("select count(*) from ticket_processes where outcome = 'open'")
    assert [(shown.names["ageing"]["open_processes"].sum(),)] == open_now.fetchall()


def test_quality_is_that_of_the_tables_and_shows_no_text(data: Path) -> None:
    shown = show("data_quality", data)
    files = shown.names["files"]
    parts = files.select(pl.sum_horizontal("accepted", "duplicates", "quarantined", "blank"))
    assert parts.to_series().to_list() == files["lines"].to_list()
    assert shown.names["n_rejected"] == files["quarantined"].sum() > 0
    assert f"{files['accepted'].sum():,}" in shown.text
    with duckdb.connect(data / "warehouse.duckdb", read_only=True) as con:
        texts = con.sql("select raw_text from raw.quarantine").fetchall()
    frames = [value for value in shown.names.values() if isinstance(value, pl.DataFrame)]
    everything = shown.text + "".join(frame.write_json() for frame in frames)
    assert len(texts) == shown.names["n_rejected"]
    assert not [text for (text,) in texts if len(text) > 20 and text[:20] in everything]


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_without_a_database_they_say_what_to_do(name: str, tmp_path: Path) -> None:
    text = show(name, tmp_path).text
    assert "There is no published database yet" in text
    assert "leadtime run --landing DIR" in text


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_they_run_over_empty_tables(name: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    settings = _with_nothing(tmp_path_factory.getbasetemp() / "nothing")
    text = show(name, settings.data).text
    assert {
        "conversion": "No lead has an outcome yet, or too few to draw a curve.",
        "data_quality": "The latest 1 of 1.",
        "resolution_times": "No such interval of any lead has ended yet.",
    }[name] in text


def _with_nothing(folder: Path) -> Settings:
    """A data folder on which the job has run over one line that is no process."""
    settings = Settings(data=folder / "data", landing=folder / "landing")
    if not folder.exists():
        settings.landing.mkdir(parents=True)
        (settings.landing / "1.ndjson").write_text("{\n")
        assert run_job(settings, RunRequest(as_of=END)).generation
    return settings


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        ([0, 1, 1.5, 39], [(0, 1, 1), (1, 2, 2), (39, 40, 1)]),
        ([5, 5], [(5, 6, 2)]),
        ([10] * 99 + [1000], [(10, 11, 99), (40, None, 1)]),
        ([], []),
    ],
)
def test_bins_hold_everything(seconds: list[float], expected: list[tuple[Any, ...]]) -> None:
    rows = ", ".join(f"({value})" for value in seconds) or "(null)"
    with duckdb.connect() as con:
        found = bins(con, f"select column0::double as seconds from (values {rows}) as v(column0)")
    assert found.rows() == expected


@pytest.mark.parametrize("seconds", [None, 0, 0.4, 42, 89.9, 90, 720, 5400, 18_720, 129_600, 3e7])
def test_durations_read_as_the_command_prints_them(seconds: float | None) -> None:
    assert in_words(seconds) == duration(seconds)
    assert in_percent(0.123 if seconds else None) == share(0.123 if seconds else None)


@needs_browser
def test_a_reader_changes_the_mode_and_the_figures_follow(
    data: Path, published: duckdb.DuckDBPyConnection
) -> None:
    reached = dict(
        published.sql("""
            select mode, processes from funnel_steps
            where procedure = 'lead' and funnel = 'conversion' and step = 'CONVERTED'
        """).fetchall()
    )
    assert reached["ordered"] != reached["strict"]
    port, left = free_port(), list[str]()

    def note(request: Request) -> None:
        if not request.url.startswith((f"http://127.0.0.1:{port}/", "data:", "blob:")):
            left.append(request.url)

    environment = {"LEADTIME_DATA": str(data)}
    arguments = ["notebook", "conversion"]
    with serving(arguments, port=port, environment=environment) as address, open_page() as page:
        page.on("request", note)
        page.goto(address)
        page.get_by_label("procedure", exact=True).select_option("lead")
        figures = page.locator("body")
        expect(figures).to_contain_text(f"reached CONVERTED{reached['ordered']:,}share of entered")
        funnel = page.get_by_label(re.compile("^Funnel. Mode ordered:.*CONVERTED")).first
        before = funnel.locator("canvas").screenshot()
        page.get_by_label("mode", exact=True).select_option("strict")
        expect(figures).to_contain_text(f"reached CONVERTED{reached['strict']:,}share of entered")
        funnel = page.get_by_label(re.compile("^Funnel. Mode strict:.*CONVERTED")).first
        assert funnel.locator("canvas").screenshot() != before
    assert left == []
