"""`leadtime compare`: prints how two published databases differ."""

from rich.console import Console

from pipelines.publish.compare import Comparison, TableDifference, comparing
from pipelines.settings import Settings
from pipelines.terminal.text import MISSING, count, counted, grid, shortened, some_of

_LONGEST_VALUE = 60


def show_comparison(console: Console, settings: Settings, first: str, second: str) -> bool:
    """Print each table that differs; whether none does.

    Raises `OperationError` when one of the databases cannot be compared.
    """
    with comparing(settings, first, second) as comparison:
        _show_builds(console, comparison)
        differences = list(comparison.tables())
    rows = [_row(difference) for difference in differences if not difference.is_none]
    if rows:
        columns = ("table", "rows", "rows", "only first", "only second", "changed", "columns")
        console.print(grid(columns, rows, right=range(1, 6), wrapped=6))
        console.print(f"{counted(len(rows), 'table')} of {len(differences)} differ")
        console.print("`--table NAME` prints where.", style="dim")
    else:
        n_rows = sum(difference.rows[0] or 0 for difference in differences)
        console.print(f"All {len(differences)} tables are the same ({n_rows:,} rows).")
    return not rows


def show_cells(
    console: Console, settings: Settings, first: str, second: str, *, table: str, limit: int
) -> bool:
    """Print the first cells in which one table differs; whether there are none.

    Raises `OperationError` when one of the databases, or the table, cannot be compared.
    """
    with comparing(settings, first, second) as comparison:
        _show_builds(console, comparison)
        cells = comparison.cells(table, limit + 1)
    if not cells:
        console.print(f"{table} is the same.")
        return True
    shown = [
        [shortened(MISSING if text is None else text, _LONGEST_VALUE) for text in cell]
        for cell in cells[:limit]
    ]
    console.print(grid(("row", "column", "first", "second"), shown))
    if len(cells) > limit:
        console.print(f"first {counted(limit, 'cell')}; there are more (`--limit N`)", style="dim")
    return False


def _show_builds(console: Console, comparison: Comparison) -> None:
    rows = [
        [side, about["generation"], about["as_of"], about["leadtime"]]
        for side, about in zip(("first", "second"), comparison.builds(), strict=True)
    ]
    console.print(grid(("database", "generation", "as of", "leadtime"), rows))
    console.print()


def _row(difference: TableDifference) -> list[str]:
    by_count = sorted(difference.columns, key=lambda name: -difference.columns[name])
    named = [f"{name} ({difference.columns[name]:,})" for name in by_count]
    named += [f"{name} (not in both)" for name in difference.others]
    return [
        difference.name,
        *map(count, (*difference.rows, *difference.only, difference.changed)),
        some_of(named, at_most=6),
    ]
