"""Cumulative flow, arrivals and closings, the age of open work, cycle times, a forecast."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(width="medium", app_title="Flow")

with app.setup:
    import marimo as mo

    from notebooks.parts import filters, flow, layout
    from notebooks.parts import flow_charts as draw
    from notebooks.parts.published import as_of_line, connect, procedures_of


@app.cell
def _():
    con = connect()
    mo.stop(con is None, layout.nothing_published())
    return (con,)


@app.cell
def _(con):
    procedure = layout.choice(procedures_of(con), "procedure")
    return (procedure,)


@app.cell
def _(con, procedure):
    days = layout.days(*filters.days_of(con, procedure.value), "days")
    column = layout.choice(filters.columns_of(con, procedure.value), "filter by")
    return column, days


@app.cell
def _(column, con, days, procedure):
    value = layout.choice(filters.values_of(con, procedure.value, column.value), "value")
    layout.heading(f"# Flow\n{as_of_line(con)}", procedure, days)
    return (value,)


@app.cell
def _(con, days, procedure):
    bands = flow.cumulative(con, procedure.value, days.value)
    mo.stop(bands.is_empty(), layout.note(f"There is no {procedure.value} yet."))
    weeks = flow.weeks(con, procedure.value, days.value)
    mo.vstack([draw.cumulative_chart(bands), draw.weeks_chart(weeks)])
    return bands, weeks


@app.cell
def _(column, value):
    layout.heading("## Processes", column, value if column.value else None)
    return


@app.cell
def _(column, con, procedure, value):
    only = filters.Filter(column=column.value, value=value.value)
    ages = flow.ages(con, procedure.value, only)
    mo.stop(ages.is_empty(), layout.note(f"No {procedure.value} is open. {only.words}"))
    limits = flow.limits(con, procedure.value)
    draw.ageing_chart(ages, limits, only=only)
    return ages, limits, only


@app.cell
def _(column, con, days, procedure, value):
    _only = filters.filter_of(days, column.value, value.value)
    cycles = flow.cycles(con, procedure.value, _only)
    _nothing = f"No {procedure.value} was completed. {_only.words_on('were completed')}"
    mo.stop(cycles.is_empty(), layout.note(_nothing))
    draw.cycles_chart(cycles, only=_only)
    return (cycles,)


@app.cell
def _():
    ahead = layout.choice({f"{n} d": n for n in (30, 7, 14, 60, 90)}, "ahead")
    layout.heading("## Forecast", ahead)
    return (ahead,)


@app.cell
def _(ahead, con, procedure):
    forecast = flow.forecast(con, procedure.value, ahead=ahead.value)
    _nothing = "There are fewer than 7 whole days to forecast from, or nothing is open."
    mo.stop(forecast["closed_by_day"].is_null().all(), layout.note(_nothing))
    mo.vstack([layout.figures(draw.forecast_figures(forecast)), draw.forecast_chart(forecast)])
    return (forecast,)


if __name__ == "__main__":
    app.run()
