"""The check that a generation has all that the one before it had."""

import duckdb

from pipelines.defs.check import Check, Verdict
from pipelines.ingest.files import IngestReport


def evaluate_nothing_lost(con: duckdb.DuckDBPyConnection, _: IngestReport | None) -> Verdict:
    """Passes when the warehouse has every file, process and version of the last generation.

    The days from the first to the last change must not end earlier either. After `forget`, only
    files are compared: what they brought is meant to be gone.
    """
    found = con.sql(_LOST).pl().to_dicts()
    if not found:
        return Verdict(True, "error", "There is no earlier generation to compare with.")
    lost = found[0]
    losses = [
        f"{lost['files_lost']:,} of {lost['files']:,} files" if lost["files_lost"] else "",
        f"{lost['processes_lost']:,} of {lost['processes']:,} processes"
        if lost["processes_lost"]
        else "",
        f"{lost['lines_lost']:,} lines" if lost["lines_lost"] > 0 else "",
    ]
    losses = [loss for loss in losses if loss]
    days = (
        f"It had changes from {lost['first_then']} to {lost['last_then']}, "
        f"now they are from {lost['first_now']} to {lost['last_now']}."
    )
    if losses:
        sentence = f"Missing since generation {lost['generation']}: {', '.join(losses)}. {days}"
        n_wrong = lost["files_lost"] + lost["processes_lost"]
        return Verdict(False, "error", sentence, max(1, n_wrong))
    if lost["ends_earlier"]:
        sentence = f"Generation {lost['generation']} covered later days. {days}"
        return Verdict(False, "error", sentence, 1)
    return Verdict(True, "error", f"Nothing is missing since generation {lost['generation']}.")


# Lines that a definition rejects stay in the ledger and in quarantine: they are not lost.
_LOST = """
    with files as (
        select
            count(*) as files,
            count(*) filter (f.sha256 is null and l.status <> 'forgotten') as files_lost,
            coalesce(sum(l.lines), 0) - coalesce(sum(f.lines), 0) as lines_lost,
            count(*) filter (f.status = 'forgotten' and l.status <> 'forgotten') as forgotten
        from last_files as l
        left join raw.ingest_files as f
            on f.content = l.content
            and (f.sha256 = l.sha256 or list_contains(f.former_sha256, l.sha256))
    ),

    present as (
        select process_id from processes
        union all
        select try_cast(process_id as uuid) from raw.quarantine
    ),

    lost as (
        select count(*) as processes_lost
        from last_processes
        anti join present using (process_id)
    ),

    days as (
        select min(created_at)::date as first_now, max(updated_at)::date as last_now
        from processes
    )

    select
        b.generation,
        f.files,
        f.files_lost,
        case when f.forgotten > 0 then 0 else f.lines_lost end as lines_lost,
        (select count(*) from last_processes) as processes,
        case when f.forgotten > 0 then 0 else l.processes_lost end as processes_lost,
        b.first_day as first_then,
        b.last_day as last_then,
        d.first_now,
        d.last_now,
        f.forgotten = 0 and coalesce(d.last_now < b.last_day, b.last_day is not null)
            as ends_earlier
    from last_build as b
    cross join files as f
    cross join lost as l
    cross join days as d
"""

NOTHING_LOST = Check(
    "nothing_lost",
    "core",
    "processes",
    "Every file, process, version and day of the last generation is still there. If not, nothing "
    "is published: bring the landing files back, or restore a backup. To publish what is left, run "
    "again with `--allow-loss`.",
    evaluate_nothing_lost,
)
