"""Names, texts and lists as SQL writes them, where a statement does not take parameters.

Values are passed as parameters wherever a statement takes them.
"""

from collections.abc import Iterable, Mapping


def quoted(name: str) -> str:
    """A name as a quoted identifier."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A text as a string literal."""
    return "'" + text.replace("'", "''") + "'"


def listed(parts: Iterable[str], indent: int) -> str:
    """Parts of a list, one a line, each but the first indented by so many spaces."""
    return (",\n" + " " * indent).join(parts)


def with_more_rows(select: str, steps: Iterable[str], more: Iterable[str]) -> str:
    """The rows of the statement `select` and of the selects `more`, which may read the `steps`."""
    written = ",\n\n".join(steps)
    start = f"with {written}\n\n" if written else ""
    return start + "\nunion all\n".join([f"from (\n{select}\n)", *more])


def union_all(columns: Mapping[str, str], selects: Iterable[str]) -> str:
    """The rows of all `selects`, which have these `columns` (name -> type); there may be none."""
    nothing = ", ".join(f"null::{kind} as {quoted(name)}" for name, kind in columns.items())
    return "\nunion all\n".join([f"select {nothing} where false", *selects])
