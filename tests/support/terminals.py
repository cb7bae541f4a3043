"""What a person sees on a terminal of some width."""

from __future__ import annotations

import re
from collections.abc import Callable

from rich.console import Console


def on_terminal(show: Callable[[Console], object], width: int) -> str:
    """What is shown on a terminal of this width, without colours."""
    terminal = Console(
        width=width, force_terminal=True, color_system=None, highlight=False, markup=False
    )
    with terminal.capture() as captured:
        show(terminal)
    return re.sub(r"\x1b\[[0-9;]*m", "", captured.get())
