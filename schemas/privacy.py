"""How much a value says about a person, and how it is published."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal

Privacy = Literal["no", "indirect", "direct"]
"""`direct`: it names or reaches a person. `indirect`: it may mention one. `no`: neither."""

Publish = Literal["clear", "key", "drop"]
"""`clear`: the value itself. `key`: a keyed hash of it, in `<column>_key`. `drop`: nothing."""

LEVELS: tuple[Privacy, ...] = ("no", "indirect", "direct")
"""From the least strict to the strictest."""

PUBLISH: tuple[Publish, ...] = ("clear", "key", "drop")

BY_DEFAULT: Mapping[Privacy, Publish] = {"no": "clear", "indirect": "drop", "direct": "key"}
"""How values of each level are published, unless the definition says otherwise."""

SENTENCES: Mapping[Privacy, str] = {
    "no": "",
    "indirect": "May be personal data.",
    "direct": "Personal data.",
}


def strictest(levels: Iterable[Privacy]) -> Privacy:
    """The strictest of these levels; `no` where there are none."""
    found = set(levels)
    return "direct" if "direct" in found else "indirect" if "indirect" in found else "no"
