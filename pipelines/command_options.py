"""The options that several commands of `leadtime` share.

What a command does with them does not belong here.
"""

from pathlib import Path
from typing import Annotated

import typer

Data = Annotated[
    Path | None,
    typer.Option(
        "--data",
        metavar="DIR",
        help="Folder of the warehouse and the databases. (default: LEADTIME_DATA or data)",
        show_default=False,
    ),
]
DataOrFile = Annotated[
    Path | None,
    typer.Option(
        "--data",
        metavar="DIR",
        help="Folder of the databases, or a file that `run --out` wrote. (default: LEADTIME_DATA "
        "or data)",
        show_default=False,
    ),
]
Landing = Annotated[
    Path | None,
    typer.Option(
        "--landing",
        metavar="DIR",
        help="Folder of the files to take in. (default: LEADTIME_LANDING or DATA/landing)",
        show_default=False,
    ),
]
ProcedureFolder = Annotated[
    Path | None,
    typer.Option(
        "--procedures",
        metavar="DIR",
        help="Folder of the procedure definitions. (default: LEADTIME_PROCEDURES or those "
        "delivered)",
        show_default=False,
    ),
]
