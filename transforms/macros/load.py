"""The SQL macros of this folder: those of the warehouse, and those of the published database.

The header of each file has a line `-- kind: warehouse`, `-- kind: published` or `-- kind: both`.
"""

from __future__ import annotations

import re
from graphlib import TopologicalSorter
from pathlib import Path

from schemas.catalogue.shared import LEAST_LEFT_TRUNCATED, MOST_TEST_TIMES
from schemas.records.activities import NO_PROCESS
from schemas.records.limits import LINES_PER_FILE, MASK

_KIND = re.compile(r"^-- kind: (\w+)$", re.MULTILINE)
_CREATED = re.compile(r"^create macro (\w+)", re.MULTILINE)
_CALLED = re.compile(r"\b(\w+)\(")
_CONSTANTS = f"""
create macro lines_per_file() as {LINES_PER_FILE};
create macro least_left_truncated() as {LEAST_LEFT_TRUNCATED};
create macro most_test_times() as {MOST_TEST_TIMES};
create macro personal_mask() as '{MASK}';
create macro no_process() as uuid '{NO_PROCESS}';
"""


def _files(*kinds: str) -> list[str]:
    """The SQL of the files of some kinds, each after the files whose macros it uses."""
    texts = [path.read_text() for path in sorted(Path(__file__).parent.glob("*.sql"))]
    texts = [text for text in texts if {*_KIND.findall(text)} & {*kinds}]
    owners = {name: text for text in texts for name in _CREATED.findall(text)}
    # Sorted, so that every process gives the same text: fingerprints cover it.
    used = {
        text: sorted({owners[name] for name in _CALLED.findall(text) if name in owners} - {text})
        for text in texts
    }
    return list(TopologicalSorter(used).static_order())


MACROS = "\n".join((_CONSTANTS, *_files("both", "warehouse"))).replace(
    "create macro", "create or replace temp macro"
)
"""The statements that make the macros of a warehouse connection, as temporary ones."""

PUBLISHED_MACROS = "\n".join(_files("both", "published"))
"""The statements that make the macros of a published database."""
