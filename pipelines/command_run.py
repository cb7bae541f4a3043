"""`leadtime run` as it is seen: progress while it works, then what came of it.

What a run does is in `execute.py`; the arguments of the command are in `command.py`.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
)

from pipelines.command_settings import next_command
from pipelines.execute import RunResult, run_job
from pipelines.ingest import IngestReport
from pipelines.landing import LandingFile, find_files
from pipelines.replay import QuarantinedRule, list_quarantine
from pipelines.run import Request
from pipelines.settings import Settings
from pipelines.show import MISSING, count, counted, duration, grid, instant, some_of
from pipelines.warehouse import read_warehouse
from schemas.definition_files import load_procedures
from schemas.errors import SourceError

_TOP_RULES = 5
# The check on the share of rejected lines: they are shown with their rules.
_SAID_ABOVE = "rejected_share"
_STAGES = {
    "ingest": "reading files",
    "core": "building history",
    "marts": "building sums",
    "publish": "publishing",
}
_UNKNOWN_PROCEDURE = "core:procedure_id:isin"


def execute(
    console: Console, settings: Settings, request: Request, *, purpose: str = "leadtime run"
) -> RunResult:
    """Run the job over the landing folder, showing its progress; others are told its purpose.

    Raises `SourceError` when there is nothing to run on, and what the job raises.
    """
    # Before anything is made: a mistake in a definition leaves no half-made folder.
    load_procedures(settings.procedures)
    files = landing_files(console, settings)
    total = sum(file.size for file in files)
    with _watched(console, total) as (progress, on_stage):
        return run_job(settings, request, purpose=purpose, progress=progress, on_stage=on_stage)


def landing_files(console: Console, settings: Settings) -> list[LandingFile]:
    """The files a run will look at; says which it leaves alone.

    Raises `SourceError` when there are none and nothing was taken in before either.
    """
    if settings.follows_data and not settings.landing.exists() and settings.warehouse.exists():
        return []
    files, others = find_files(settings.landing)
    if others:
        what = f"{counted(len(others), 'file')} of another kind"
        console.print(f"Left alone: {what} ({some_of(others)})")
    if not files and not settings.warehouse.exists():
        raise SourceError(
            str(settings.landing),
            "no landing files there",
            "Put .ndjson, .jsonl, .json or .parquet files there (.gz and .zst too), or name "
            f"another folder with --landing. `{next_command(settings, 'demo')}` makes an example.",
        )
    return files


def show_result(console: Console, settings: Settings, request: Request, result: RunResult) -> bool:
    """Print what a run took in, built and published, and what to do about what went wrong.

    False when somebody must act: nothing was published, no line was ever accepted, or a file could
    not be opened.
    """
    _show_ingest(console, result.ingest)
    if result.ingest.counts.quarantined:
        show_rejected(console, settings, result.ingest)
    _show_built(console, result)
    _show_published(console, settings, request, result)
    _show_unopened(console, result.ingest)
    is_usable = _show_none_accepted(console, settings)
    return result.generation is not None and is_usable and not result.ingest.unopened


def show_rejected(console: Console, settings: Settings, report: IngestReport) -> None:
    """Print the rules that rejected most lines, over all procedures, and what to do next."""
    with read_warehouse(settings) as con:
        found = list_quarantine(con)
    by_rule: dict[str, list[QuarantinedRule]] = {}
    for row in found:
        by_rule.setdefault(row.rule, []).append(row)
    rules = sorted(by_rule.values(), key=lambda rows: -sum(row.lines for row in rows))
    console.print(f"\nRejected most often ({counted(len(rules), 'rule')} in the whole quarantine)")
    console.print(
        grid(
            ("rule", "lines", "meaning", "example"),
            [
                (
                    rows[0].rule,
                    count(sum(row.lines for row in rows)),
                    rows[0].sentence or MISSING,
                    rows[0].examples[0],
                )
                for rows in rules[:_TOP_RULES]
            ],
            right=[1],
            wrapped=2,
        )
    )
    quarantine = next_command(settings, "quarantine")
    replay = next_command(settings, "quarantine", "--replay")
    if rules[0][0].rule == _UNKNOWN_PROCEDURE:
        console.print(
            f"Many lines name a procedure that is not defined. Define it in {settings.procedures}, "
            "or name your folder with `--procedures DIR`; test it with "
            f"`{next_command(settings, 'check')}`, then put the lines through again with "
            f"`{replay}`."
        )
    elif not any(row.may_be_mended for row in found):
        console.print(
            "No definition can mend these: ask the owner of the data to send them again, as whole "
            f"files of JSON in UTF-8. `{quarantine}` lists all."
        )
    elif report.counts.quarantined + report.counts.blank == report.counts.lines:
        console.print(
            f"Every line was rejected: `{quarantine}` lists why and where. When the definitions "
            f"are mended, `{replay}` puts the lines through again. Are they of another shape? "
            f"`{next_command(settings, 'check', '--infer')} FILE` says how to convert them."
        )
    else:
        console.print(f"`{quarantine}` lists all, with where to find them.")


def _show_ingest(console: Console, report: IngestReport) -> None:
    counts = report.counts
    console.print(
        f"Files    {counted(report.files, 'new file')}, {report.seen_before:,} seen before"
    )
    if counts.lines:
        console.print(
            f"Lines    {count(counts.lines)} = {count(counts.accepted)} accepted + "
            f"{count(counts.duplicates)} duplicates + {count(counts.quarantined)} quarantined + "
            f"{count(counts.blank)} blank"
        )
    for procedure, versions in report.rejudged.items():
        console.print(f"Changed  re-judged {counted(versions, 'version')} of {procedure}")
    for name in report.still_written:
        console.print(f"         {name} is still being written: left for the next run")
    for problem in report.unreadable:
        console.print(f"         {problem}. Ask its owner for the file again.", style="yellow")


def _show_built(console: Console, result: RunResult) -> None:
    touched = max((table.processes for table in result.refreshed), default=0)
    is_rebuilt = {table.mode for table in result.refreshed} == {"full"}
    how = "all rebuilt" if is_rebuilt else f"{counted(touched, 'process')} touched"
    seconds = sum(result.stage_seconds.values())
    console.print(f"History  {how}, in {duration(seconds)} altogether")


def _show_published(
    console: Console, settings: Settings, request: Request, result: RunResult
) -> None:
    for check in result.failed_checks:
        if check.name != _SAID_ABOVE:
            style = "red" if result.generation is None else "yellow"
            console.print(f"Check failed: {check.name}: {check.sentence}", style=style)
    generation = result.generation
    if generation is None:
        console.print(
            "Nothing was published: the last generation stays as it was. Look at the check with "
            f"`{next_command(settings, 'ui')}`.",
            style="red",
        )
        return
    rows = generation.rows
    console.print(
        f"Tables   {counted(len(rows), 'table')}: {counted(rows['processes'], 'process')}, "
        f"{counted(rows['state_visits'], 'state visit')}, {counted(rows['variants'], 'variant')}"
    )
    if request.as_of is not None:
        console.print(f"As of    {instant(request.as_of)} UTC")
    if request.out is not None:
        console.print(f"Written  {generation.path} (the published database is as it was)")
        return
    console.print(f"Database {settings.published} (generation {generation.number})")
    if request.as_of is not None:
        console.print(
            f"Published as at {instant(request.as_of)} UTC: analysts see this until the next run; "
            "`--out FILE` writes beside it.",
            style="yellow",
        )
    if rows["processes"]:
        console.print(f"\nNext: {next_command(settings, 'report')}", soft_wrap=True)
        query = next_command(settings, "query", "from funnel_steps")
        console.print(f"      {query}", soft_wrap=True)


def _show_unopened(console: Console, report: IngestReport) -> None:
    for problem in report.unopened:
        console.print(problem, style="red")
    if report.unopened:
        files = counted(len(report.unopened), "file")
        console.print(
            f"{files} left out: give the user of this run permission to read, then run again.",
            style="red",
        )


def _show_none_accepted(console: Console, settings: Settings) -> bool:
    """Say so when lines were rejected and none was ever accepted; False then."""
    query = """
        select coalesce(sum(accepted), 0), coalesce(sum(quarantined), 0) from raw.ingest_files
    """
    with read_warehouse(settings) as con:
        ((accepted, rejected),) = con.execute(query).fetchall()
    if accepted or not rejected:
        return True
    said = f"`{next_command(settings, 'quarantine')}` says why"
    console.print(
        f"No line was ever accepted, {count(rejected)} are in quarantine: {said}.", style="red"
    )
    return False


@contextmanager
def _watched(
    console: Console, total: int
) -> Iterator[tuple[Callable[[int], None], Callable[[str], None]]]:
    """What to call with bytes done and with the name of a stage that begins."""
    if not console.is_terminal:
        yield (lambda _: None), (lambda stage: console.print(f"{_STAGES.get(stage, stage)} ..."))
        return
    with Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TimeElapsedColumn(),
        console=console,
        transient=True,
    ) as bar:
        task = bar.add_task("starting", total=total or None)
        yield (
            lambda n_bytes: bar.advance(task, n_bytes),
            lambda stage: bar.update(task, description=_STAGES.get(stage, stage)),
        )
