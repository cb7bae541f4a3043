"""The macros about instants: processes as they stood at one, and what changed between two."""

from schemas.catalogue.model import OutputMacro
from schemas.catalogue.shared import WRONG_ARGUMENTS

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

PIPELINE_CHANGES = OutputMacro(
    "pipeline_changes",
    "A table macro for what changed between two instants (UTC, up to the build's as_of), from what "
    "was open at the first to what was open at the second: `from pipeline_changes('2026-03-01', "
    "'2026-04-01', procedure := 'lead', value := 'budget')`. `change` is `open at start`; what "
    "came: `new`, `reopened`, `restored`, `moved in` (from another procedure); `value up`, `value "
    "down`, of those open at the start; what went: `won` (completed), `lost` (cancelled), "
    "`deleted`, `moved out`; `moved on`, `moved back` (open at both, in a state of a higher or "
    "lower rank); `open at end`. `processes` are those it happened to, `change_processes` what it "
    "adds (0 where nothing comes or goes), `open_processes` the number after it: that of `open at "
    "start` and all changes add up to `open at end`. What came and went between the two counts in "
    "both; a process that came or went several times counts once, by the first coming and the last "
    "going. `amount`, `change_amount` and `open_amount` are the same for `value`, a column with "
    "numbers of the table of `procedure` (to 15 digits; without one it counts as 0 and in "
    "`n_without_value`); null without `value`. Of an attribute with `track: true` (by its shortId) "
    "the values at both instants count, at the second one also for what went by then; of any other "
    "column the value at the build's as_of, so that nothing goes up or down. As `processes_at`, it "
    f"shows what is known now of then. {WRONG_ARGUMENTS}",
    "one row per procedure and kind of change, in the order in which they add up",
)
