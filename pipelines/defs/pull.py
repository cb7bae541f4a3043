"""The asset of pulled landing files, its job and its nightly schedule, where there is an API."""

import dagster as dg

from pipelines.defs.jobs import LANDING
from pipelines.pull.pull import PullReport, pull
from pipelines.settings import Settings

PULL = "pull"
PULLED = dg.AssetKey([LANDING, "pull"])


def pull_assets(settings: Settings) -> list[dg.AssetsDefinition]:
    """The asset of the landing files that come from the API; none without an address."""
    if not settings.api_url:
        return []

    @dg.asset(
        key=PULLED,
        group_name=LANDING,
        kinds={"python"},
        owners=["team:operators"],
        description="New versions, users and names from the platform's API, as landing files: the "
        "same as `leadtime pull`. `refresh` does not include it, so that a night without the API "
        "still publishes.",
    )
    def pulled(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        """Pull all procedures. A problem of one of them fails the run after the others."""
        report = pull(settings, on_wait=context.log.warning)
        if report.all_problems:
            raise dg.Failure(_sentence(report), allow_retries=False)
        return dg.MaterializeResult(metadata=_metadata(report))

    return [pulled]


def pull_jobs(settings: Settings) -> list[dg.UnresolvedAssetJobDefinition]:
    """The job `pull`; none without an address."""
    if not settings.api_url:
        return []
    job = dg.define_asset_job(
        PULL,
        selection=dg.AssetSelection.assets(PULLED),
        description="Lands what is new in the platform's API. The same as `leadtime pull`.",
        executor_def=dg.in_process_executor,
    )
    return [job]


def pull_schedules(settings: Settings) -> list[dg.ScheduleDefinition]:
    """The job at 01:15 in the reporting time zone, an hour before `nightly`."""
    if not settings.api_url:
        return []
    schedule = dg.ScheduleDefinition(
        name="nightly_pull",
        job_name=PULL,
        cron_schedule="15 1 * * *",
        execution_timezone=settings.time_zone,
        default_status=dg.DefaultScheduleStatus.STOPPED,
        description="Runs `pull` every night at 01:15, an hour before `nightly`. Off until "
        "switched on.",
    )
    return [schedule]


def _metadata(report: PullReport) -> dict[str, int | str]:
    """Counts of a pull: no values of processes."""
    counts = {f"new_versions_{one.procedure}": one.versions for one in report.procedures}
    notes = [f"{one.procedure}: {note}" for one in report.procedures for note in one.notes]
    return {
        "new_versions": report.versions,
        "pages": sum(one.pages for one in report.procedures),
        "new_files": sum(len(one.files) for one in report.procedures),
        **counts,
        **{f"rows_of_{name}": rows for name, rows in report.dimensions.items()},
        **({"notes": ". ".join([*report.notes, *notes])} if report.notes or notes else {}),
    }


def _sentence(report: PullReport) -> str:
    landed = f"{report.versions:,} new versions were landed all the same."
    return " ".join(["The pull is not complete:", *report.all_problems, landed])
