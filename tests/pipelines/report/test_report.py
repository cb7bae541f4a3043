"""The report on a procedure: its figures are those of the tables, and it needs nothing else."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path

import duckdb
import pytest

from pipelines.cli.check import check_definitions
from pipelines.cli.status import show_quarantine
from pipelines.ingest.quarantine import list_quarantine
from pipelines.launch import run_job
from pipelines.publish.reader import open_published
from pipelines.report.contents import procedures_of, read_report
from pipelines.report.html import html_report
from pipelines.report.model import Reader, Report, Section
from pipelines.report.open_work import oldest
from pipelines.report.terminal import print_section
from pipelines.run import Request
from pipelines.settings import Settings
from pipelines.simulator import simulate
from pipelines.terminal.text import console
from pipelines.warehouse.open import read_warehouse
from tests.support.browser import needs_browser, open_page
from tests.support.command_line import leadtime
from tests.support.terminals import on_terminal

END = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A data folder on which the job has run once, on simulated leads and tickets."""
    data = tmp_path_factory.mktemp("report") / "data"
    simulate(data / "landing", versions=3_000, seed=5, end=END, dimensions=True, activities=True)
    settings = Settings(data=data, landing=data / "landing")
    assert run_job(settings, Request(as_of=END)).generation
    return settings


@pytest.fixture
def published(settings: Settings) -> Iterator[duckdb.DuckDBPyConnection]:
    with open_published(settings, people="if readable") as con:
        yield con


def section(report: Report, start: str) -> Section:
    (found,) = [section for section in report.sections if section.title.startswith(start)]
    return found


def ask(con: duckdb.DuckDBPyConnection, query: str) -> list[tuple[object, ...]]:
    return con.execute(query).fetchall()


def test_every_procedure_has_a_report(published: duckdb.DuckDBPyConnection) -> None:
    assert procedures_of(published) == ["lead", "ticket"]
    report = read_report(published, "lead")
    assert (report.procedure, report.as_of) == ("lead", END.replace(tzinfo=None))
    assert all(len(row) == len(s.columns) for s in report.sections for row in s.rows)


def test_its_figures_are_those_of_the_tables(published: duckdb.DuckDBPyConnection) -> None:
    report = read_report(published, "ticket")
    ((everything, still_open, *_),) = section(report, "Processes by outcome").rows
    assert [(everything, still_open)] == ask(
        published,
        "select count(*), sum((outcome = 'open')::integer) from ticket_processes",
    )
    trend = section(report, "Backlog").trend
    assert trend
    assert trend.points[-1] == (date(2026, 3, 1), still_open)
    assert len(trend.points) == 91
    ((_, n, p50, p90),) = [
        row for row in section(report, "Durations").rows if row[0] == "resolution"
    ]
    assert [(n, p50, p90)] == ask(
        published,
        "select n, p50_seconds, p90_seconds from duration_stats where procedure = 'ticket' "
        "and measure = 'resolution' and period is null",
    )
    ages = [row[3] for row in section(report, "Oldest").rows]
    assert ages == [
        age
        for (age,) in ask(
            published,
            "select age_seconds from ticket_processes where outcome = 'open' "
            "order by age_seconds desc limit 5",
        )
    ]


def test_calls_are_those_of_the_latest_months(published: duckdb.DuckDBPyConnection) -> None:
    found = section(read_report(published, "lead"), "Calls")
    expected = ask(
        published,
        "select calls, connected, processes from call_stats "
        "where procedure = 'lead' and level = 'month' order by period desc limit 6",
    )
    assert [(row[1], row[2], row[4]) for row in found.rows] == expected[::-1]
    ((never,),) = ask(
        published,
        "select count(*) from lead_processes where outcome = 'open' and first_call_at is null",
    )
    assert found.note.startswith(f"Of the open processes {never} have not been called")
    titles = [each.title for each in read_report(published, "ticket").sections]
    assert "Calls" not in titles  # they have none


def test_a_brief_report_has_the_first_rows(published: duckdb.DuckDBPyConnection) -> None:
    report = read_report(published, "lead")
    brief = report.in_brief()
    assert section(brief, "Backlog").rows == section(report, "Backlog").rows[:2]
    assert len([s for s in brief.sections if s.title.startswith("Funnel")]) == 1
    assert not [s for s in brief.sections if s.title.startswith("Most frequent data")]
    titles = [section.title.split(",")[0] for section in report.summary().sections]
    assert titles == ["Funnel `conversion`", "Durations from creation"]


@pytest.mark.parametrize("width", [80, 100])
@pytest.mark.parametrize("procedure", ["lead", "ticket"])
def test_every_section_fits_a_terminal_and_no_number_is_cut(
    published: duckdb.DuckDBPyConnection, procedure: str, width: int
) -> None:
    report = read_report(published, procedure)
    assert len(report.sections) >= 9
    for part in report.sections:
        shown = on_terminal(partial(print_section, section=part), width)
        assert "…" not in shown
        assert max(map(len, shown.splitlines())) <= width, part.title
        for column, values in zip(part.columns, zip(*part.rows, strict=True), strict=True):
            if column.is_number:
                for value in values:
                    text = "-" if value is None else column.show(value)
                    assert re.search(rf"(^| ){re.escape(text)}( |$)", shown, re.MULTILINE), text
    backlog = on_terminal(partial(print_section, section=section(report, "Backlog")), width)
    (line,) = re.findall("^[▁▂▃▄▅▆▇█]+$", backlog, re.MULTILINE)
    assert len(line) == {80: 46, 100: 91}[width]


def test_the_quarantine_and_the_definitions_fit_a_terminal(settings: Settings) -> None:
    with read_warehouse(settings) as con:
        rules = list_quarantine(con)
    for width in (80, 100):
        shown = on_terminal(partial(show_quarantine, settings=settings, n_texts=0), width)
        # The command at the end is one line, however long.
        *lines, command = shown.splitlines()
        assert command.startswith("  ")
        assert "…" not in shown
        assert max(map(len, lines)) <= width
        flowing = " ".join(shown.split())
        for rule in rules:
            assert re.search(rf"^ *{rule.lines:,}  {rule.rule} ", shown, re.MULTILINE)
            assert re.search(rf" {re.escape(rule.examples[0])}$", shown, re.MULTILINE)
            assert rule.sentence is None or rule.sentence in flowing
        check = on_terminal(
            partial(check_definitions, errors=console(), files=[], settings=Settings()), width
        )
        assert max(map(len, check.splitlines())) <= width
        assert re.search("^lead +7 +20 +6 +2 +", check, re.MULTILINE)


def test_assignees_without_a_name_show_the_start_of_their_id() -> None:
    with duckdb.connect() as con:
        con.execute("""
            create table processes as
            select
                gen_random_uuid() as process_id, 'lead' as procedure, 'NEW' as state,
                'open' as outcome, label, link, age_seconds, assigned_to
            from (values
                (3.0, 'aaaaaaaa-1111-4222-8333-444455556666'::uuid, 'A & B', 'https://a.b/?x&y'),
                (2.0, null, repeat('long ', 20), null),
                (1.0, 'bbbbbbbb-1111-4222-8333-444455556666'::uuid, null, null)
            ) as v(age_seconds, assigned_to, label, link);

            create table process_lifecycle as
            select process_id, age_seconds, 0.0 as seconds_in_state from processes;

            create table users as
            select 'aaaaaaaa-1111-4222-8333-444455556666'::uuid as user_id, 'key' as name_key;
        """)
        masked = oldest(Reader(con, "lead"))
        con.execute("""
            attach ':memory:' as people;
            create table people.users as select user_id, 'Ada' as name from users;
        """)
        found = oldest(Reader(con, "lead"))
        con.execute("delete from processes where age_seconds = 1")
        named = oldest(Reader(con, "lead"))
    assert [row[2] for row in masked.rows] == ["aaaaaaaa", "unassigned", "bbbbbbbb"]
    assert "names are in `people.duckdb`, for those who may read it" in masked.note
    assert [row[2] for row in found.rows] == ["Ada", "unassigned", "bbbbbbbb"]
    assert "users.ndjson" in found.note
    assert named.note == ""
    names = [str(row[0]) for row in masked.rows]
    assert names[:2] == ["A & B", ("long " * 20)[:47] + "…"]
    assert re.fullmatch("[0-9a-f]{8}", names[2])
    assert "where there is no `label`" in masked.note
    page = html_report([Report("lead", END, "UTC", (named,))])
    assert '<a href="https://a.b/?x&amp;y">A &amp; B</a>' in page
    assert page.count("<a ") == 1


def test_it_lists_the_clocks_that_are_due_next(published: duckdb.DuckDBPyConnection) -> None:
    found = section(read_report(published, "ticket"), "SLA clocks due").rows
    rows = ask(
        published,
        "select label, policy, due_at, link from sla_due where status = 'running' "
        "and procedure = 'ticket' order by due_at, process_id, policy limit 5",
    )
    assert [(str(row[0]), row[1], row[4], row[0].address) for row in found] == rows
    assert all(link == f"https://desk.example/tickets/{label}" for label, _, _, link in rows)


def test_the_command_prints_it_or_writes_a_page(settings: Settings, tmp_path: Path) -> None:
    both = leadtime("report", "--data", settings.data)
    one = leadtime("report", "ticket", "--data", settings.data)
    assert (both.code, one.code) == (0, 0)
    assert both.out.count("Report on ") == 2
    assert both.out.endswith(one.out)
    page = tmp_path / "all.html"
    assert leadtime("report", "--data", settings.data, "--html", page).code == 0
    assert [path.name for path in tmp_path.iterdir()] == ["all.html"]
    text = page.read_text()
    assert text.count("<article") == 2
    assert "Funnel <code>conversion</code>" in text


def test_impossible_requests_are_errors(settings: Settings, tmp_path: Path) -> None:
    unknown = leadtime("report", "leads", "--data", settings.data)
    assert unknown.code == 1
    assert "found 'leads'" in unknown.err
    assert "lead, ticket" in unknown.err
    nowhere = leadtime("report", "--data", settings.data, "--html", tmp_path / "no" / "a.html")
    assert nowhere.code == 1
    nothing = leadtime("report", "--data", tmp_path)
    assert "no published database yet" in nothing.err


def test_shares_of_funnels_have_intervals(published: duckdb.DuckDBPyConnection) -> None:
    found = section(
        read_report(published, "lead"), "Funnel `conversion`, steps reached within 60 d"
    )
    rows = ask(
        published,
        "select step, share_of_first, share_of_first_low, share_of_first_high from funnel_steps "
        "where procedure = 'lead' and funnel = 'conversion' and mode = 'ordered' order by step_no",
    )
    place = [column.title for column in found.columns].index("interval, %")
    bar = [column.is_bar for column in found.columns].index(True)
    for row, (step, share, low, high) in zip(found.rows, rows, strict=True):
        limits = (None, None) if step == "NEW" else (low, high)
        assert row[0] == step
        assert row[bar] == row[place] == (limits[0], share, limits[1])
    shown = found.columns[place].show
    assert shown(found.rows[0][place]) == "-"
    assert shown((0.5, 0.6, 0.706)) == "50 to 71"
    assert shown((0.002, 0.006, 0.0126)) == "0.2 to 1.3"
    assert not found.is_small
    assert "95 % (Wilson)" in found.note


@needs_browser
@pytest.mark.nightly
@pytest.mark.parametrize("procedure", ["lead", "ticket"])
def test_it_prints_on_two_pages_and_fits_a_phone(
    published: duckdb.DuckDBPyConnection, tmp_path: Path, procedure: str
) -> None:
    file = tmp_path / "report.html"
    file.write_text(html_report([read_report(published, procedure)]))
    with open_page() as page:
        page.set_viewport_size({"width": 390, "height": 844})
        page.goto(file.as_uri())
        assert page.evaluate("document.documentElement.scrollWidth") == 390
        printed = page.pdf(prefer_css_page_size=True)
    assert len(re.findall(rb"/Type /Page\b(?!s)", printed)) == 2
