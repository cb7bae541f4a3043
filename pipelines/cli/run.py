"""`leadtime run` in the terminal: its progress, then its result."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from shlex import quote

import duckdb
from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
)

from pipelines.cli.copies import show_copies
from pipelines.cli.invocation import next_command
from pipelines.ingest.files import IngestReport
from pipelines.ingest.formats import ACCEPTED, find_format_of_source
from pipelines.ingest.landing import files_of
from pipelines.ingest.landing_file import LandingFile
from pipelines.ingest.ledger import Counts
from pipelines.ingest.quarantine import QuarantinedRule
from pipelines.launch import RunResult, run_job
from pipelines.publish.generation import Generation
from pipelines.run import Request
from pipelines.settings import Settings
from pipelines.terminal.text import MISSING, count, counted, duration, grid, instant, some_of
from schemas.definitions.source import Source
from schemas.errors import OperationError
from schemas.load import load_procedures

_TOP_RULES = 5
_LONG_AGO = timedelta(days=60)
# The check on the share of rejected lines, which are shown with their rules.
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
    """Run the job over the landing folder and show its progress; others see its purpose.

    Raises `OperationError` when there are no files to run on, and what `run_job` raises.
    """
    # First of all: a mistake in a definition leaves no new folder behind.
    procedures = load_procedures(settings.procedures, settings.sources)
    files = landing_files(console, settings, procedures.file_sources)
    total = sum(file.size for file in files)
    with _watched(console, total) as (progress, on_stage):
        return run_job(
            settings,
            request,
            purpose=purpose,
            progress=progress,
            on_stage=on_stage,
            procedures=procedures,
        )


def landing_files(
    console: Console, settings: Settings, sources: Sequence[Source] = ()
) -> list[LandingFile]:
    """The files that a run will look at; prints which it leaves alone.

    Raises `OperationError` when there are none, and none has been taken in before.
    """
    has_data = settings.warehouse.exists()
    files, others = files_of(settings, has_data=has_data, sources=sources)
    if others:
        what = f"{counted(len(others), 'file')} of another kind"
        console.print(f"Left alone: {what} ({some_of(others)})")
        foreign = [n for n in others if find_format_of_source(Path(n).suffixes)]
        if foreign:
            why = "The lines of such files become versions by a source"
            _show_infer(console, settings, why, settings.landing / foreign[0])
    if not files and not has_data:
        raise OperationError(
            str(settings.landing),
            "no landing files there",
            f"Put {ACCEPTED} there, write a source, or name another folder with --landing. "
            f"`{next_command(settings, 'demo')}` makes an example.",
        )
    return files


def show_result(console: Console, settings: Settings, request: Request, result: RunResult) -> bool:
    """Print what a run took in, built and published, and what to do about problems.

    False when someone has to act: nothing was published, a copy failed, no line was ever accepted,
    or a file could not be opened.
    """
    _show_ingest(console, result.ingest)
    if result.ingest.counts.quarantined:
        show_rejected(console, settings, result)
    _show_built(console, result)
    _show_published(console, settings, request, result)
    _show_unopened(console, result.ingest)
    is_usable = _show_none_accepted(console, settings, result.ledger)
    is_copied = show_copies(console, result.copies)
    is_published = result.generation is not None and is_copied
    return is_published and is_usable and not result.ingest.unopened


def show_rejected(console: Console, settings: Settings, result: RunResult) -> None:
    """Print the rules that rejected most lines, over all procedures, and what to do next."""
    found, counts = result.quarantine, result.ingest.counts
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
            f"Many lines have a procedure that is not defined. Define it in {settings.procedures}, "
            "or name your folder with `--procedures DIR`; test it with "
            f"`{next_command(settings, 'check')}`, then validate the lines again with `{replay}`."
        )
    elif not any(row.may_be_replayed for row in found):
        console.print(
            "No definition can accept these lines: ask the owner of the data for complete files of "
            f"JSON in UTF-8. `{quarantine}` lists all."
        )
    elif counts.quarantined + counts.blank == counts.lines:
        console.print(
            f"Every line was rejected: `{quarantine}` lists the reasons and places. When the "
            f"definitions are fixed, `{replay}` validates the lines again."
        )
        _show_infer(console, settings, "Records of another shape need a source", Path("FILE"))
    else:
        console.print(f"`{quarantine}` lists all of them, with their places.")


def _show_infer(console: Console, settings: Settings, why: str, file: Path) -> None:
    command = f"{next_command(settings, 'check', '--infer')} {quote(str(file))} --to defs"
    console.print(f"{why}; `{command}` proposes it with a definition.", soft_wrap=True)


def _show_ingest(console: Console, report: IngestReport) -> None:
    counts = report.counts
    console.print(
        f"Files    {counted(report.files, 'new file')}, {report.seen_before:,} seen before"
    )
    if counts.lines:
        n_lines = count(counts.lines)
        n_lines += f" + {count(counts.added)} added" if counts.added else ""
        console.print(
            f"Lines    {n_lines} = {count(counts.accepted)} accepted + "
            f"{count(counts.duplicates)} duplicates + {count(counts.quarantined)} quarantined + "
            f"{count(counts.blank)} blank"
            + (f" + {count(counts.erased)} erased" if counts.erased else "")
        )
    for note in report.notes:
        console.print(f"Note     {note}.", style="yellow")
    for procedure, versions in report.revalidated.items():
        console.print(f"Changed  {counted(versions, 'version')} of {procedure} validated again")
    for name in report.still_written:
        console.print(f"         {name} is still being written: the next run takes it in")
    for problem in report.unreadable:
        console.print(f"         {problem}. Ask its owner for the file again.", style="yellow")


def _show_built(console: Console, result: RunResult) -> None:
    touched = max((table.processes for table in result.refreshed), default=0)
    if not result.refreshed:
        return
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
            "Nothing was published: the last generation stays. Look at the check with "
            f"`{next_command(settings, 'ui')}`.",
            style="red",
        )
        return
    if not result.is_new:
        console.print(
            f"Nothing new: generation {generation.number} stays, because a new one would show the "
            f"same apart from longer durations (`{next_command(settings, 'run', '--publish')}` "
            "publishes one all the same)."
        )
        console.print(f"Database {settings.published} (generation {generation.number})")
        _show_next(console, settings, generation)
        return
    rows = generation.rows
    console.print(
        f"Tables   {counted(len(rows), 'table')}: {counted(rows['processes'], 'process')}, "
        f"{counted(rows['state_visits'], 'state visit')}, {counted(rows['variants'], 'variant')}"
    )
    if request.as_of is not None:
        console.print(f"As of    {instant(request.as_of)} UTC")
    if request.out is not None:
        console.print(f"Written  {generation.path} (the published database has not changed)")
        return
    console.print(f"Database {settings.published} (generation {generation.number})")
    if request.as_of is not None:
        console.print(
            f"Published as of {instant(request.as_of)} UTC: analysts see this until the next run; "
            "`--out FILE` writes to another file instead.",
            style="yellow",
        )
    else:
        _show_end(console, settings, generation)
    _show_next(console, settings, generation)


def _show_end(console: Console, settings: Settings, generation: Generation) -> None:
    """Print a hint when the data ended long ago: open processes have aged since."""
    query = "select as_of, (select max(updated_at) from processes) from build"
    with duckdb.connect(generation.path, read_only=True) as con:
        ((as_of, last),) = con.execute(query).fetchall()
    if last is None or as_of - last < _LONG_AGO:
        return
    day = last.date().isoformat()
    console.print(
        f"Note     The last version is of {day}, and open processes have aged since. "
        f"`{next_command(settings, 'run', '--as-of', day)}` shows how they stood then.",
        style="yellow",
    )


def _show_next(console: Console, settings: Settings, generation: Generation) -> None:
    if generation.rows["processes"]:
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


def _show_none_accepted(console: Console, settings: Settings, ledger: Counts) -> bool:
    """Print a message when all lines of the warehouse were rejected; False then."""
    if ledger.accepted or not ledger.quarantined:
        return True
    console.print(
        f"No line was ever accepted; {count(ledger.quarantined)} are in quarantine. "
        f"`{next_command(settings, 'quarantine')}` lists the reasons.",
        style="red",
    )
    return False


@contextmanager
def _watched(
    console: Console, total: int
) -> Iterator[tuple[Callable[[int], None], Callable[[str], None]]]:
    """Two functions that show progress: one for bytes done, one for the stage that begins."""
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
