"""The options that several commands share."""

from pathlib import Path
from typing import Annotated, Literal

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
        help="Folder of the databases, or a file written by `run --out`. (default: LEADTIME_DATA "
        "or data)",
        show_default=False,
    ),
]
Landing = Annotated[
    Path | None,
    typer.Option(
        "--landing",
        metavar="DIR",
        help="Folder of the files to ingest. (default: LEADTIME_LANDING or DATA/landing)",
        show_default=False,
    ),
]
ProcedureFolder = Annotated[
    Path | None,
    typer.Option(
        "--procedures",
        metavar="DIR",
        help="Folder of the procedure definitions. (default: LEADTIME_PROCEDURES or the "
        "bundled ones)",
        show_default=False,
    ),
]
SourceFolder = Annotated[
    Path | None,
    typer.Option(
        "--sources",
        metavar="DIR",
        help="Folder that says how files of other shapes are read. (default: LEADTIME_SOURCES or "
        "`sources` beside the procedures)",
        show_default=False,
    ),
]
EngineName = Annotated[
    Literal["local", "spark"] | None,
    typer.Option(
        "--engine",
        help="What reads large files and computes history made anew: this process, or Spark. "
        "(default: spark where LEADTIME_SPARK_MASTER is set)",
    ),
]
Master = Annotated[
    str | None,
    typer.Option(
        "--master",
        metavar="URL",
        help="Address of the Spark master: spark://HOST:7077, or local[4] for 4 processes of this "
        "machine. (default: LEADTIME_SPARK_MASTER or local[*])",
        show_default=False,
    ),
]
