"""The macros about instants and days of the past: processes as they stood, and what changed."""

from schemas.catalogue.model import OutputMacro
from schemas.catalogue.shared import WRONG_ARGUMENTS

PROCESSES_AT = OutputMacro(
    "processes_at",
    "A table macro for every process as it stood at an instant (UTC, up to the build's as_of): "
    "`from processes_at('2026-03-31 18:00:00')`. Its state and since when (`entered_at`, "
    "`seconds_in_state`), status (`status_since`), assignee (`assigned_since`; null while nobody "
    "is assigned), `age_seconds` since its start, and `state_now` and `status_now` to compare "
    "with; `label` and `link` are those of now. `tracked` is a map of the attributes with `track: "
    "true` to their values then, as text: `tracked['plan']`, typed `cast(tracked['budget'] as "
    "decimal(18, 2))`; null without a value; personal ones are masked, as in `attribute_spells`. "
    "Deleted processes are left out while they are deleted. It shows what is known now of then: "
    "versions that came late count, a completion counts from its own time, and before its first "
    "version a process is in the state in which it was first seen. `leadtime run --as-of` shows "
    "what was known then. A null or later instant is an error.",
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
    "the values at both instants count, at the second one also for what went by then (what has "
    "left the procedure has the last value it had there); of any other column the value at the "
    "build's as_of, so that nothing goes up or down. As `processes_at`, it shows what is known now "
    f"of then. {WRONG_ARGUMENTS}",
    "one row per procedure and kind of change, in the order in which they add up",
)

PIPELINE_DAILY = OutputMacro(
    "pipeline_daily",
    "A table macro for the pipeline day by day: what was open at the end of each local day, what "
    "it was worth, and that weighted by the probability of being completed: `from "
    "pipeline_daily(procedure := 'lead', value := 'budget', from_date := '2026-01-01')`. "
    "`open_processes` are those of `backlog_daily`; `amount`, `weighted_amount` and "
    "`n_without_value` are about `value`, a column with numbers as in `pipeline_changes`, and null "
    "without it: of an attribute with `track: true` (by its shortId) the values at the end of each "
    "day count, of any other column the value at the build's as_of. `weighted_processes` and "
    "`weighted_amount` are `open_processes` and `amount` times `probability`, which is "
    "`defined_probability` (the `probability` of the state in the definition, for all days) or "
    "else `observed_probability`: the share completed, by the longest time observed, of those that "
    "had entered the state while open (a process counts once in each stretch of being open), from "
    "the entry on, by Aalen and Johansen: cancelling, deleting and moving to another procedure "
    "compete, those still open are censored. It is as of the beginning of the month of the day: "
    "nothing that happened later counts. Entries before `observed_since` (see "
    "`observation_starts`) are left out. Null until one of the entries has ended. `n_observed` is "
    "the number of entries, `is_small`: fewer than 5. To compare both, or to judge the weights by "
    "what came of them, take the days of a past month. As `processes_at`, it shows what is known "
    "now of then. `from_date` and `to_date` are the first and the last day, in the reporting time "
    f"zone. {WRONG_ARGUMENTS}",
    "one row per local day, procedure and state with at least one open process",
)
