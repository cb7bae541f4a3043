"""Funnels by mode, window, days and values; the processes behind a bar; months of entry."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(width="medium", app_title="Conversion")

with app.setup:
    import marimo as mo

    from notebooks.parts import charts, filters, funnels, layout
    from notebooks.parts import conversion_charts as draw
    from notebooks.parts.published import as_of_line, connect, procedures_of


@app.cell
def _():
    con = connect()
    mo.stop(con is None, layout.nothing_published())
    return (con,)


@app.cell
def _(con):
    procedure = layout.choice(procedures_of(con), "procedure")
    mode = layout.choice(list(funnels.MODES), "mode")
    return mode, procedure


@app.cell
def _(con, procedure):
    known = funnels.funnels_of(con, procedure.value)
    funnel = layout.choice(known, "funnel")
    own = known[funnels.OWN_STATES].states
    states = mo.ui.multiselect(funnels.states_of(con, procedure.value), own, label="states")
    return funnel, states


@app.cell
def _(funnel):
    window = layout.choice(funnel.value.windows, "window")
    return (window,)


@app.cell
def _(con, procedure):
    days = layout.days(*filters.days_of(con, procedure.value), "entered")
    column = layout.choice(filters.columns_of(con, procedure.value), "filter by")
    return column, days


@app.cell
def _(column, con, procedure):
    value = layout.choice(filters.values_of(con, procedure.value, column.value), "value")
    return (value,)


@app.cell
def _(column, con, days, funnel, mode, procedure, states, value, window):
    _own = states if funnel.value.name is None else None
    _narrowing = [days, column, value if column.value else None]
    layout.heading(
        f"# Conversion\n{as_of_line(con)}",
        *(procedure, funnel, _own, mode, window),
        *(_narrowing if funnel.value.can_use_macro else []),
    )
    return


@app.cell
def _(column, con, days, funnel, mode, procedure, states, value, window):
    only = filters.EVERYTHING
    if funnel.value.can_use_macro:
        only = filters.filter_of(days, column.value, value.value)
    asked = {"procedure": procedure.value, "funnel": funnel.value, "states": states.value}
    asked |= {"mode": mode.value, "window": window.value, "only": only}
    mo.stop(not states.value, layout.note("Choose at least one state as a step."))
    steps = funnels.steps_of(con, **asked)
    _entered = steps.head(1)["processes"].sum()
    mo.stop(not _entered, layout.note(f"No {procedure.value} entered. {only.words}"))
    layout.figures(draw.figures(steps))
    return asked, only, steps


@app.cell
def _(mode, only, steps, window):
    bars = draw.funnel_bars(steps)
    _funnel = draw.funnel_chart(bars, steps, mode=mode.value, window=window.value, only=only)
    layout.in_a_row(_funnel, draw.share_chart(steps))
    return (bars,)


@app.cell
def _(bars):
    picked = charts.selected(bars)
    return (picked,)


@app.cell
def _(asked, con, picked, steps):
    mo.stop(picked.get("step") not in steps["step"].to_list())
    behind = funnels.processes_of(con, steps, picked, **asked)
    layout.processes(behind, f"{picked['step']}: {picked['which']}")
    return (behind,)


@app.cell
def _(asked, con, only, steps, window):
    mo.stop(steps["processes"][1:].sum() == 0)
    times = funnels.times_to_last(con, steps, **asked)
    _spread = draw.times_chart(times, step=steps["step"][-1], window=window.value, only=only)
    layout.in_a_row(draw.time_chart(steps), *([] if times.is_empty() else [_spread]))
    return (times,)


@app.cell
def _(con, funnel, procedure):
    mo.stop(funnel.value.name is None)
    _attributes = funnels.breakdowns_of(con, procedure.value, funnel.value)
    breakdown = layout.choice(["nothing", *_attributes], "break down by")
    _title = f"## All that entered, {draw.within(funnel.value.window)}"
    layout.heading(_title, breakdown if _attributes else None)
    return (breakdown,)


@app.cell
def _(breakdown, con, funnel, mode, procedure):
    mo.stop(breakdown.value == "nothing")
    _asked = {"mode": mode.value, "attribute": breakdown.value}
    values = funnels.broken_down(con, procedure.value, funnel.value, **_asked)
    draw.breakdown_chart(values, attribute=breakdown.value)
    return (values,)


@app.cell
def _(con, funnel, mode, procedure):
    cohorts = funnels.by_month(con, procedure.value, funnel.value, mode=mode.value)
    mo.stop(cohorts.is_empty())
    draw.cohort_chart(cohorts, window=funnel.value.window)
    return (cohorts,)


if __name__ == "__main__":
    app.run()
