"""The asset of pulled landing files, its job and its nightly schedule, where there is an API."""

import dagster as dg

from pipelines.defs.jobs import LANDING
from pipelines.ingest.pull.pull import pull
from pipelines.ingest.pull.report import PullReport
from pipelines.settings import Settings
from schemas.errors import OperationError

PULL = "pull"

PULL_JOB = dg.define_asset_job(
    PULL,
    selection=dg.AssetSelection.groups(LANDING),
    description="Lands what is new in the platform's API. The same as `leadtime pull`.",
    executor_def=dg.in_process_executor,
)


def pulled_asset(settings: Settings) -> dg.AssetsDefinition:
    """The asset of the landing files that come from the API of the settings.

    Its materialization raises `OperationError` when the pull of a procedure is not complete.
    """

    @dg.asset(
        key=[*settings.asset_prefix, LANDING, PULL],
        group_name=LANDING,
        kinds={"python"},
        owners=["team:operators"],
        description="New versions, users and names from the platform's API, as landing files. "
        "`refresh` does not include it: a night without the API still publishes.",
    )
    def pulled(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        """Pull all procedures. A problem of one of them fails the run after the others."""
        report = pull(settings, on_wait=context.log.warning)
        if report.all_problems:
            found = f"is not complete: {' '.join(report.all_problems)}"
            landed = f"The other {report.versions:,} new versions were landed."
            raise OperationError("the pull", found, landed)
        return dg.MaterializeResult(metadata=_metadata(report))

    return pulled


def pull_schedule(time_zone: str) -> dg.ScheduleDefinition:
    """The job at 01:15 in the reporting time zone, an hour before `nightly`."""
    return dg.ScheduleDefinition(
        name="nightly_pull",
        job_name=PULL,
        cron_schedule="15 1 * * *",
        execution_timezone=time_zone,
        default_status=dg.DefaultScheduleStatus.STOPPED,
        description="Runs `pull` every night at 01:15, an hour before `nightly`. Off until "
        "switched on.",
    )


def _metadata(report: PullReport) -> dict[str, int | str]:
    """Counts of a pull: no values of processes."""
    notes = [f"{one.procedure}: {note}" for one in report.procedures for note in one.notes]
    return {
        "new_versions": report.versions,
        "pages": sum(one.pages for one in report.procedures),
        "new_files": sum(len(one.files) for one in report.procedures),
        **{f"new_versions_of_{one.procedure}": one.versions for one in report.procedures},
        **{f"rows_of_{name}": rows for name, rows in report.dimensions.items()},
        **({"notes": ". ".join([*report.notes, *notes])} if report.notes or notes else {}),
    }
