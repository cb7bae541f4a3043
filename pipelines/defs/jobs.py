"""What is run, and when: the job over all assets, its nightly schedule, and its landing sensor.

What the steps do is in `assets.py`.
"""

import hashlib
import json

import dagster as dg

from pipelines.landing import LandingFile, find_files
from pipelines.settings import Settings
from schemas.errors import SourceError

REFRESH = "refresh"

# The one job: take in what is new, build, check, publish.
REFRESH_JOB = dg.define_asset_job(
    REFRESH,
    selection=dg.AssetSelection.all(),
    description="Takes in new landing files, brings every table up to date, checks them and "
    "publishes a generation. The same as `leadtime run`.",
    executor_def=dg.in_process_executor,
)


def nightly_schedule(time_zone: str) -> dg.ScheduleDefinition:
    """The job at 02:15 in the reporting time zone; an operator switches it on."""
    return dg.ScheduleDefinition(
        name="nightly",
        job_name=REFRESH,
        cron_schedule="15 2 * * *",
        execution_timezone=time_zone,
        default_status=dg.DefaultScheduleStatus.STOPPED,
        description="Runs `refresh` every night at 02:15. Off until switched on.",
    )


def landing_sensor(settings: Settings) -> dg.SensorDefinition:
    """One run for new landing files, once they are no longer being written; off at first.

    Files are looked at every minute by name, size and time, and asked for by their content: the
    same bytes under another name, or touched, start no second run.
    """

    @dg.sensor(
        name="landing",
        job_name=REFRESH,
        minimum_interval_seconds=60,
        default_status=dg.DefaultSensorStatus.STOPPED,
        description="Runs `refresh` when new files lie in the landing folder and have not changed "
        "for a minute. Off until switched on; the ledger keeps a file from being taken in twice.",
    )
    def landing(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
        try:
            files, _ = find_files(settings.landing)
        except SourceError as error:
            return dg.SkipReason(str(error))
        seen = json.loads(context.cursor) if context.cursor else {}
        waiting, done = seen.get("waiting", {}), seen.get("done", {})
        found = {file.name: _mark(file) for file in files}
        new = [file for file in files if done.get(file.name) != found[file.name]]
        if not new:
            return dg.SkipReason("No new files.")
        if any(waiting.get(file.name) != found[file.name] for file in new):
            cursor = json.dumps({"waiting": found, "done": done})
            reason = dg.SkipReason(f"{len(new)} new; waiting until nothing changes for a minute.")
            return dg.SensorResult(skip_reason=reason, cursor=cursor)
        contents = sorted(file.sha256() for file in new)
        request = dg.RunRequest(
            run_key=hashlib.sha256("".join(contents).encode()).hexdigest(),
            tags={"leadtime/new_files": str(len(new))},
        )
        cursor = json.dumps({"waiting": {}, "done": found})
        return dg.SensorResult(run_requests=[request], cursor=cursor)

    return landing


def _mark(file: LandingFile) -> list[int]:
    return [file.size, file.mtime_ns]
