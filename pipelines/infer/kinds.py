"""Several kinds of process in one file: a column that names the kind of each row."""

import re
from collections import Counter

from pipelines.infer.draft import Draft
from pipelines.infer.foreign import Foreign
from pipelines.infer.proposal import words_of
from pipelines.terminal.text import counted
from schemas.errors import SourceError

_WORDS = frozenset([
    "object", "type", "kind", "entity", "module", "procedure", "pipeline", "process",
])  # fmt: skip
_MOST_KINDS = 8
_FEWEST_ROWS = 3
# Kinds of one process share their states: of two procedures, few states have the same name.
_ALIKE = 0.34
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")


def require_one_kind(foreign: Foreign, draft: Draft) -> None:
    """Raise `SourceError` when a column names several kinds of process, each with its own states.

    A source reads all rows of a file for one procedure.
    """
    state = draft.fields.get("state")
    if state is None or foreign.source.items is not None:
        return
    for column in foreign.columns:
        is_kind = _WORDS & {*words_of(column.name)} and column.name != state
        if is_kind and column.values == foreign.rows and 1 < column.distinct <= _MOST_KINDS:
            kinds = Counter(foreign.frame[column.name].to_list())
            if _are_procedures(foreign, column.name, state, kinds):
                raise _several(foreign, column.name, kinds)


def _are_procedures(foreign: Foreign, column: str, state: str, kinds: Counter[str]) -> bool:
    rows = zip(foreign.frame[column], foreign.frame[state], strict=True)
    states: dict[str, set[str]] = {kind: set() for kind in kinds}
    for kind, value in rows:
        if value:
            states[kind].add(value.strip().lower())
    if min(kinds.values()) < _FEWEST_ROWS or any(len(some) < 2 for some in states.values()):  # noqa: PLR2004
        return False
    names = sorted(states)
    return all(
        len(states[a] & states[b]) <= _ALIKE * min(len(states[a]), len(states[b]))
        for place, a in enumerate(names)
        for b in names[place + 1 :]
    )


def _several(foreign: Foreign, column: str, kinds: Counter[str]) -> SourceError:
    counts = ", ".join(f"{kind} ({counted(n, 'row')})" for kind, n in kinds.most_common())
    found = f"its column `{column}` names several procedures, with states of their own: {counts}"
    action = (
        "A source reads all rows of a file for one procedure: split the file by that column, and "
        "name each part with --infer."
    )
    kind = kinds.most_common(1)[0][0]
    if all(map(_PLAIN.fullmatch, (column, kind, foreign.path.name))) and foreign.is_text:
        name, part = foreign.path.name, f"{kind.lower()}.csv"
        query = f"copy (from '{name}' where {column} = '{kind}') to '{part}'"
        action += f' For example: python -c "import duckdb; duckdb.sql(\\"{query}\\")"'
    return SourceError(str(foreign.path), found, action)
