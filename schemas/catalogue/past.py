"""The macro that shows processes as they stood at an instant."""

from schemas.catalogue.model import OutputMacro

PROCESSES_AT = OutputMacro(
    "processes_at",
    "A table macro for every process as it stood at an instant (UTC, up to the build's as_of): "
    "`from processes_at('2026-03-31 18:00:00')`. Its state and since when (`entered_at`, "
    "`seconds_in_state`), status (`status_since`), assignee (`assigned_since`; null while nobody "
    "is assigned), `age_seconds` since its start, and `state_now` and `status_now` to compare "
    "with; `label` and `link` are those of now. Deleted processes are left out while they are "
    "deleted. It shows what is known now of then: versions that came late count, a completion "
    "counts from its own time, and before its first version a process is in the state in which it "
    "was first seen. `leadtime run --as-of` shows what was known then. A null or later instant is "
    "an error.",
    "one row per process that had begun and was not deleted",
)
