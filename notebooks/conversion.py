"""Funnels by mode and window, months of entry, and outcomes by age."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(width="medium", app_title="Conversion")

with app.setup:
    import marimo as mo

    from notebooks.parts import conversion_charts as draw
    from notebooks.parts import funnels, layout, outcomes
    from notebooks.parts.published import as_of_line, connect, in_percent, in_words, procedures_of


@app.cell
def _():
    con = connect()
    mo.stop(con is None, layout.nothing_published())
    return (con,)


@app.cell
def _(con):
    procedure = layout.choice(procedures_of(con), "procedure")
    mode = layout.choice(list(funnels.MODES), "mode")
    outcome = layout.choice(["completed", "cancelled"], "outcome")
    return mode, outcome, procedure


@app.cell
def _(con, procedure):
    known = funnels.funnels_of(con, procedure.value)
    funnel = layout.choice(known, "funnel")
    own = known[funnels.OWN_STATES].states
    states = mo.ui.multiselect(funnels.states_of(con, procedure.value), own, label="states")
    return funnel, states


@app.cell
def _(con, funnel, procedure):
    window = layout.choice(funnel.value.windows, "window")
    _attributes = funnels.breakdowns_of(con, procedure.value, funnel.value)
    breakdown = layout.choice(["nothing", *_attributes], "break down by")
    return breakdown, window


@app.cell
def _(breakdown, con, funnel, mode, procedure, states, window):
    _own = states if funnel.value.name is None else None
    _broken_down = breakdown if len(breakdown.options) > 1 else None
    _title = f"# Conversion\n{as_of_line(con)}"
    layout.heading(_title, procedure, funnel, _own, mode, window, _broken_down)
    return


@app.cell
def _(con, funnel, mode, procedure, states, window):
    asked = {"mode": mode.value, "window": window.value, "states": states.value}
    steps = funnels.steps_of(con, procedure.value, funnel.value, **asked)
    mo.stop(steps.is_empty(), layout.note("Choose at least one state as a step."))
    last = steps.row(-1, named=True)
    layout.figures(
        {
            "entered": f"{steps['processes'][0]:,}",
            f"reached {last['step']}": f"{last['processes']:,}",
            "share of entered": in_percent(last["share_of_first"]),
            "95 % interval": " to ".join(
                in_percent(last[f"share_of_first_{end}"]) for end in ("low", "high")
            ),
            "median time": in_words(last["median_seconds_from_first"]),
            "may still reach it": f"{last['immature']:,}",
        }
    )
    return last, steps


@app.cell
def _(mode, steps, window):
    draw.funnel_chart(steps, mode=mode.value, window=window.value)
    return


@app.cell
def _(breakdown, con, funnel, mode, procedure, window):
    mo.stop(breakdown.value == "nothing")
    mo.stop(
        not window.value.is_defined,
        layout.note("Breakdowns are available only in the defined window."),
    )
    _asked = {"mode": mode.value, "attribute": breakdown.value}
    values = funnels.broken_down(con, procedure.value, funnel.value, **_asked)
    draw.breakdown_chart(values, attribute=breakdown.value)
    return (values,)


@app.cell
def _(con, funnel, last, mode, procedure, steps):
    _asked = {"mode": mode.value, "step": last["step"]}
    times = funnels.times_to(con, procedure.value, funnel.value, **_asked)
    mo.stop(steps["processes"][1:].sum() == 0)
    _spread = draw.times_chart(times, step=last["step"], window=funnel.value.window)
    layout.in_a_row(draw.time_chart(steps), *([] if times.is_empty() else [_spread]))
    return (times,)


@app.cell
def _(con, funnel, mode, procedure):
    cohorts = funnels.by_month(con, procedure.value, funnel.value, mode=mode.value)
    mo.stop(cohorts.is_empty())
    draw.cohort_chart(cohorts, window=funnel.value.window)
    return (cohorts,)


@app.cell
def _(con, outcome, procedure):
    _attributes = outcomes.compared_attributes(con, procedure.value)
    compared = layout.choice(["nothing", *_attributes], "compare by")
    layout.heading("## Outcomes of all processes", outcome, compared if _attributes else None)
    return (compared,)


@app.cell
def _(compared, con, outcome, procedure):
    if compared.value == "nothing":
        curves, _tested = outcomes.curves(con, procedure.value), ""
        _title = "Outcomes by age"
    else:
        _asked = {"attribute": compared.value, "outcome": outcome.value}
        curves = outcomes.curves_by(con, procedure.value, **_asked)
        _title = f"Share {outcome.value} by age, by {compared.value}"
        _tested = outcomes.tested(con, procedure.value, **_asked)
    n_without, n_all = outcomes.without_outcome(con, procedure.value)
    _nothing = f"No {procedure.value} has an outcome yet, or too few to draw a curve."
    mo.stop(curves.is_empty(), layout.note(_nothing))
    draw.outcome_chart(curves, title=_title, n_without=n_without, n_all=n_all, tested=_tested)
    return curves, n_without


@app.cell
def _(con, outcome, procedure):
    ages = outcomes.by_age(con, procedure.value, outcome=outcome.value)
    mo.stop(ages.is_empty())
    draw.age_chart(ages, outcome=outcome.value)
    return (ages,)


if __name__ == "__main__":
    app.run()
