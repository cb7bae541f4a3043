"""`leadtime demo`: runs the main job on simulated leads and tickets and prints what it found."""

import shutil

import duckdb
from rich.console import Console

from pipelines.cli.invocation import next_command
from pipelines.cli.run import execute, show_result
from pipelines.publish.reader import open_published
from pipelines.report.contents import procedures_of, read_report
from pipelines.report.terminal import print_report
from pipelines.run import Request
from pipelines.settings import Settings, now
from pipelines.simulator import simulate
from pipelines.terminal.text import count, counted, grid, share, size
from pipelines.warehouse.lease import hold_lease
from schemas.errors import OperationError

_SEED = 1
_MARKER = ".leadtime-demo"
_DEMO_FILES = (
    "landing",
    "analytics",
    "analytics.duckdb",
    "people",
    "people.duckdb",
    "secret",
    "current.json",
    "ledger.ndjson",
    "tmp",
    "warehouse.duckdb",
    "warehouse.duckdb.wal",
)
_QUERIES = (
    (
        "select step, processes, share_of_first, median_seconds_from_first "
        "from funnel(['NEW', 'QUALIFIED', 'CONVERTED'], within := interval 30 days)"
    ),
    (
        "select record_industry, record_country, grade, expected_value, process_id "
        "from lead_processes where is_hot order by expected_value desc nulls last limit 7"
    ),
    (
        "select day, open_at_start, created, completed, open_at_end "
        "from flow_daily where procedure = 'ticket' order by day desc limit 7"
    ),
)

_WITH_NAMES = (
    "select u.name, s.procedure, s.held, s.completed from assignee_stats as s "
    "join people.users as u on u.user_id = s.assigned_to "
    "where s.period is null order by s.held desc limit 7"
)


def run_demo(console: Console, settings: Settings, *, versions: int) -> bool:
    """Simulate, run and print; returns whether a database was published.

    Raises `OperationError` when the data folder holds files that are not from a demo.
    """
    clear_demo(settings)
    console.print(f"Simulating {counted(versions, 'version')} of leads and tickets ...")
    made = simulate(
        settings.landing,
        versions=versions,
        seed=_SEED,
        end=now(),
        dimensions=True,
        activities=True,
    )
    files = list(settings.landing.iterdir())
    n_bytes = sum(path.stat().st_size for path in files)
    processes = " and ".join(f"{count(n)} {name}s" for name, n in made.processes.items())
    console.print(
        f"Wrote {counted(len(files), 'file')} ({size(n_bytes)}) to {settings.landing}: "
        f"{processes}, some lines late, duplicate or corrupt, calls and tasks of leads, and "
        "the names of users, pods, teams, entities and records."
    )
    request = Request()
    result = execute(console, settings, request, purpose="leadtime demo")
    if result.generation is None:
        show_result(console, settings, request, result)
        return False
    with open_published(settings, people="if readable") as con:
        first, *others = (read_report(con, procedure) for procedure in procedures_of(con))
        for report in (first.in_brief(), *(other.summary() for other in others)):
            console.print()
            print_report(console, report)
        _show_grades(console, con)
        _show_tickets(console, con)
    console.print(
        f"\nThe database is {settings.published}: generation {result.generation.number}, "
        f"{counted(len(result.generation.rows), 'table')}. Query it:\n"
    )
    for query in _QUERIES:
        console.print(f"  {next_command(settings, 'query', query)}", soft_wrap=True)
    console.print("\nPersonal data are keys there. Who may read them has the names as well:\n")
    command = next_command(settings, "query", "--personal", _WITH_NAMES)
    console.print(f"  {command}\n", soft_wrap=True)
    rejected = counted(result.ingest.counts.quarantined, "line")
    for purpose, command in (
        ("More questions", "query"),
        ("The full report", "report"),
        (f"Why {rejected} were rejected", "quarantine"),
    ):
        console.print(f"{purpose}: {next_command(settings, command)}", soft_wrap=True)
    return True


def clear_demo(settings: Settings) -> None:
    """Create the data folder, or remove the files of an earlier demo from it.

    Raises `OperationError` when the folder holds files and is not marked as a demo folder.
    """
    folder = settings.data
    marker = folder / _MARKER
    if folder.is_dir() and any(folder.iterdir()) and not marker.exists():
        raise OperationError(
            str(folder),
            "holds files that are not from a demo",
            "Choose another folder with --data.",
        )
    folder.mkdir(parents=True, exist_ok=True)
    marker.touch()
    with hold_lease(folder, purpose="leadtime demo", wait_seconds=settings.wait_seconds):
        for name in _DEMO_FILES:
            path = folder / name
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)


def _show_grades(console: Console, con: duckdb.DuckDBPyConnection) -> None:
    query = """
        select
            grade,
            count(*),
            count(*) filter (outcome = 'completed'),
            count(*) filter (outcome = 'open'),
            count(*) filter (outcome = 'completed') / count(*)
        from lead_processes
        where grade is not null
        group by grade
        order by grade
    """
    rows = con.execute(query).fetchall()
    console.print("\nLeads by `grade`, derived by a script from score, plan, source and consent")
    console.print(
        grid(
            ("grade", "leads", "converted", "still open", "share converted"),
            [(grade, *map(count, counts), share(part)) for grade, *counts, part in rows],
            right=range(1, 5),
        )
    )


def _show_tickets(console: Console, con: duckdb.DuckDBPyConnection) -> None:
    query = """
        select company_size_band, count(*), sum(n_tickets), sum(n_tickets) / count(*)
        from lead_processes
        where outcome = 'completed' and company_size_band is not null
        group by company_size_band
        order by min(record_size)
    """
    rows = con.execute(query).fetchall()
    console.print("\nTickets per converted lead (a rollup), by company size")
    console.print(
        grid(
            ("company size", "converted leads", "tickets", "tickets per lead"),
            [(band, count(n), count(tickets), f"{mean:.2f}") for band, n, tickets, mean in rows],
            right=range(1, 4),
        )
    )
