"""The macros that forecast: when what is open will be closed, whether targets will be met."""

from schemas.catalogue.model import OutputMacro
from schemas.catalogue.shared import WRONG_ARGUMENTS

_DRAWN = (
    "Each of 1,000 trials draws what is closed (completed or cancelled) on each day from the same "
    "weekdays among the last `days` whole days (90; at least 7). The draws follow from `seed` "
    "alone: the same figures on any machine."
)

FORECAST = OutputMacro(
    "forecast",
    "A table macro for when what is open will be closed: `from forecast(procedure := 'lead', "
    f"ahead := 14)`. {_DRAWN} By `done_on` (`n_days_needed` days after the day of the as_of, the "
    "rest of which does not count) as many are closed as are open now (`open_processes`), in the "
    "share `chance` of the trials; by the end of `by_day`, `ahead` days on (30), at least "
    "`closed_by_day` are. It is the same as closing those that are open now if older ones are "
    "closed before newer ones, and assumes that days are independent and that the pace of the "
    "past goes on: `forecast_held` says how often that was so. `history_from`, "
    "`n_days_of_history` and `closed_per_day` are about the days that were drawn from. Null: where "
    "there are fewer than 7, and `done_on` if it is more than 3 years away or nothing was closed. "
    f"{WRONG_ARGUMENTS}",
    "one row per procedure and chance (0.5, 0.85, 0.95)",
)

FORECAST_HELD = OutputMacro(
    "forecast_held",
    "A table macro for how often forecasts of the past held: the number closed by `forecast` "
    "within `ahead` days, made from the `days` days before, one a week, at most 52, the last of "
    f"which has just come to its end. {_DRAWN} `n_held` are those after which at least as many had "
    "been closed: `share_held` is near `chance` if forecasts can be trusted, above it if they were "
    "too careful. Forecasts of neighbouring weeks share days: they are not independent. "
    "`is_small`: fewer than 5 of them. No row where the data is too short for one. "
    f"{WRONG_ARGUMENTS}",
    "one row per procedure and chance (0.5, 0.85, 0.95)",
)

FORECAST_TARGET = OutputMacro(
    "forecast_target",
    "A table macro for whether targets will be met by a day: `from forecast_target('2026-12-31')`. "
    "For each indicator with a target in the definition (see `indicators`), `share_on_target` is "
    "the share of 1,000 simulated futures in which the mean of its values over the days from "
    "`from_day` to `by_day` (`from_date`, 6 days before `by_date`, so that the mean is the "
    "`average_7` of that day) is on the good side of `target`, or equals it; days without a value "
    "are left out, and days that are over count as they were. `indicator := 'open', target := 150, "
    "better := 'lower'` asks for a target that is not in the definition, in the unit of "
    "`indicators`: a total is a mean times the number of days. `p10_value`, `p50_value` and "
    "`p90_value` are the mean that 10 %, 50 % and 90 % of the futures do not exceed; `average_7` "
    "is that of the last whole day. Each future draws each day after that, so also all of the day "
    "of the as_of, from the same weekdays among the last `days` whole days (90; at least 7): the "
    "day has the value of the drawn one; `open` changes by what it changed on the drawn one. The "
    "draws follow from `seed` alone: the same figures on any machine. It assumes that days are "
    "independent and go on as in `days`, which knows nothing of what is open now: SLA clocks that "
    "are about to be breached, say. Null: where there are fewer than 7 days to draw from, and if "
    "no day of the period has a value. No row without a target, and before the first whole day. "
    f"{WRONG_ARGUMENTS}",
    "one row per procedure and indicator with a target",
)
