"""`leadtime demo`: simulated leads and tickets through the whole job, and what can be seen in them.

How leads and tickets behave is in `simulator/`; no metric is defined here.
"""

import shutil

import duckdb
from rich.console import Console

from pipelines.command_run import execute, show_result
from pipelines.command_settings import next_command
from pipelines.lease import hold_lease
from pipelines.published import open_published
from pipelines.report.contents import procedures_of, read_report
from pipelines.report.terminal import print_report
from pipelines.run import Request
from pipelines.settings import Settings, now
from pipelines.show import count, counted, grid, share, size
from pipelines.simulator import simulate
from schemas.errors import SourceError

_SEED = 1
_MARK = ".leadtime-demo"
_MADE_BY_DEMO = (
    "landing",
    "analytics",
    "analytics.duckdb",
    "current.json",
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
        "select record_name, assigned_to_name, grade, expected_value "
        "from lead_processes where is_hot order by expected_value desc nulls last limit 7"
    ),
    (
        "select day, open_at_start, created, completed, open_at_end "
        "from flow_daily where procedure = 'ticket' order by day desc limit 7"
    ),
)


def run_demo(console: Console, settings: Settings, *, versions: int) -> bool:
    """Simulate, run, and print; whether a database was published.

    Raises `SourceError` when the data folder holds anything that no demo has made.
    """
    clear_demo(settings)
    console.print(f"Simulating {counted(versions, 'version')} of leads and tickets ...")
    made = simulate(settings.landing, versions=versions, seed=_SEED, end=now(), dimensions=True)
    files = list(settings.landing.iterdir())
    n_bytes = sum(path.stat().st_size for path in files)
    processes = " and ".join(f"{count(n)} {name}s" for name, n in made.processes.items())
    console.print(
        f"Wrote {counted(len(files), 'file')} ({size(n_bytes)}) to {settings.landing}: "
        f"{processes}, with late, repeated and spoilt lines among them, and the names of users, "
        "pods and teams."
    )
    request = Request()
    result = execute(console, settings, request, purpose="leadtime demo")
    if result.generation is None:
        show_result(console, settings, request, result)
        return False
    with open_published(settings) as con:
        first, *others = (read_report(con, procedure) for procedure in procedures_of(con))
        for report in (first.in_brief(), *(other.in_a_nutshell() for other in others)):
            console.print()
            print_report(console, report)
        _show_grades(console, con)
        _show_tickets(console, con)
    console.print(
        f"\nThe database is {settings.published}: generation {result.generation.number}, "
        f"{counted(len(result.generation.rows), 'table')}. Ask it:\n"
    )
    for query in _QUERIES:
        console.print(f"  {next_command(settings, 'query', query)}", soft_wrap=True)
    console.print()
    rejected = counted(result.ingest.counts.quarantined, "line")
    for what, command in (
        ("More to ask", "query"),
        ("The whole report", "report"),
        (f"Why {rejected} were rejected", "quarantine"),
    ):
        console.print(f"{what}: {next_command(settings, command)}", soft_wrap=True)
    return True


def clear_demo(settings: Settings) -> None:
    """Make the data folder, or remove what an earlier demo made in it, and nothing else.

    Raises `SourceError` when the folder holds anything and no demo has been there.
    """
    folder = settings.data
    mark = folder / _MARK
    if folder.is_dir() and any(folder.iterdir()) and not mark.exists():
        raise SourceError(
            str(folder),
            "holds files that no demo has made",
            "Choose another folder with --data.",
        )
    folder.mkdir(parents=True, exist_ok=True)
    mark.touch()
    with hold_lease(folder, purpose="leadtime demo", wait_seconds=settings.wait_seconds):
        for name in _MADE_BY_DEMO:
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
    console.print("\nLeads by `grade`, which a script derives from score, plan, source and consent")
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
    console.print(
        "\nTickets of converted leads, rolled up from the tickets, by size of the company"
    )
    console.print(
        grid(
            ("people", "converted leads", "tickets", "tickets per lead"),
            [(band, count(n), count(tickets), f"{mean:.2f}") for band, n, tickets, mean in rows],
            right=range(1, 4),
        )
    )
