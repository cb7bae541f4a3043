"""The job over all assets of the warehouse, and its nightly schedule."""

import dagster as dg

LANDING = "landing"
"""The group of what brings landing files, which is no part of the job."""
REFRESH = "refresh"

REFRESH_ASSETS = dg.AssetSelection.all() - dg.AssetSelection.groups(LANDING)

# The one job: take in what is new, build, check, publish.
REFRESH_JOB = dg.define_asset_job(
    REFRESH,
    selection=REFRESH_ASSETS,
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
