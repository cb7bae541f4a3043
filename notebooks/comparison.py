"""Two periods or two values side by side in a funnel, and the values that go with converting."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(width="medium", app_title="Comparison")

with app.setup:
    import marimo as mo

    from notebooks.parts import comparison, filters, funnels, layout
    from notebooks.parts import comparison_charts as draw
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
    _known = funnels.funnels_of(con, procedure.value)
    funnel = layout.choice({k: f for k, f in _known.items() if f.can_use_macro}, "funnel")
    _own = _known[funnels.OWN_STATES].states
    states = mo.ui.multiselect(funnels.states_of(con, procedure.value), _own, label="states")
    columns = filters.columns_of(con, procedure.value)
    return columns, funnel, states


@app.cell
def _(columns, con, funnel, procedure):
    window = layout.choice(funnel.value.windows, "window")
    _columns = {name: column for name, column in columns.items() if column}
    compared_by = layout.choice({"two periods": None, **_columns}, "compare")
    mix = layout.choice(columns, "split by the mix of")
    _days = filters.days_of(con, procedure.value)
    _former, _latter = filters.halves_of(*_days)
    before = layout.days(*_days, "first", value=_former)
    after = layout.days(*_days, "second", value=_latter)
    return after, before, compared_by, mix, window


@app.cell
def _(compared_by, con, procedure):
    _values = filters.values_of(con, procedure.value, compared_by.value)
    _values = {name: value for name, value in _values.items() if value is not None} or _values
    first = layout.choice(_values, "first")
    second = layout.choice(dict(reversed(_values.items())), "second")
    return first, second


@app.cell
def _(after, before, compared_by, con, first, funnel, mix, mode, procedure, second, states, window):
    _own = states if funnel.value.name is None else None
    _two = (first, second) if compared_by.value else (before, after)
    _title = f"# Comparison\n{as_of_line(con)}"
    layout.heading(_title, procedure, funnel, _own, mode, window, compared_by, *_two, mix)
    return


@app.cell
def _(after, before, compared_by, con, first, funnel, mix, mode, procedure, second, states, window):
    asked = {"procedure": procedure.value, "funnel": funnel.value, "states": states.value}
    asked |= {"mode": mode.value, "window": window.value}
    if compared_by.value:
        sides = comparison.two_values(compared_by.value, first.value, second.value)
    else:
        sides = comparison.two_periods(before.value, after.value)
    mo.stop(not states.value, layout.note("Choose at least one state as a step."))
    mo.stop(len(sides) == 1, layout.note("Both sides are the same: choose another one."))
    steps = comparison.steps_of(con, sides, **asked)
    mo.stop(
        comparison.is_one_empty(steps, sides),
        layout.note(f"No {procedure.value} entered on one of the sides."),
    )
    differences = comparison.differences(con, sides, mix=mix.value, **asked)
    layout.in_a_row(
        draw.sides_chart(steps, sides),
        draw.differences_chart(differences, sides, window=window.value),
    )
    return differences, sides, steps


@app.cell
def _(differences, mix, sides):
    _split = [draw.split_chart(differences, mix=mix.value)] if mix.value else []
    mo.vstack([*_split, layout.listing(comparison.table(differences, sides))])
    return


@app.cell
def _(con, funnel, procedure):
    drivers = comparison.drivers(con, procedure.value, funnel.value)
    mo.stop(drivers.is_empty())
    mo.vstack(
        [
            mo.md("## Values that go with converting"),
            draw.drivers_chart(drivers, window=funnel.value.window),
            layout.listing(drivers.drop("row")),
        ]
    )
    return (drivers,)


@app.cell
def _(con, drivers, funnel, procedure):
    mo.stop(drivers.is_empty())
    model = comparison.model_of(con, procedure.value, funnel.value)
    _shown = layout.note(model) if isinstance(model, str) else draw.model_listing(model)
    mo.vstack([mo.md("### All of them together, each with the others held equal"), _shown])
    return (model,)


if __name__ == "__main__":
    app.run()
