"""The macros that forecast when what is open will be closed."""

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
