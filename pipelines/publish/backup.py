"""A backup of what a run cannot make again: warehouse, secrets, definitions, last generation."""

import os
import shutil
from pathlib import Path

from pipelines.publish.files import people_file, published_file
from pipelines.publish.pepper import pepper_of
from pipelines.settings import Settings
from pipelines.warehouse.lease import OnWait
from pipelines.warehouse.open import open_warehouse, require_warehouse


def back_up(
    settings: Settings, folder: Path, *, purpose: str, on_wait: OnWait = lambda _: None
) -> list[Path]:
    """Copy the warehouse and what belongs to it to `folder`, which is then a data folder itself.

    Returns the copies, relative to `folder`. The warehouse is held meanwhile, and its log is
    written into it first. Raises `OperationError` when there is no warehouse or it cannot be used,
    `WarehouseBusy` when another process holds it, and `CorruptWarehouse` when it is damaged.
    """
    require_warehouse(settings)
    with open_warehouse(settings, purpose=purpose, on_wait=on_wait) as con:
        con.execute("checkpoint")
        pepper_of(settings)  # there is one from then on, as keys of the copy have to match
        for path in (
            settings.warehouse,
            settings.manifest,
            settings.data / "current.json",
            settings.pepper,
            settings.erasures,
            settings.erasures_key,
        ):
            if path.exists():
                _copy(path, folder / path.relative_to(settings.data))
        shutil.copytree(
            settings.procedures,
            folder / "procedures",
            ignore=shutil.ignore_patterns("__pycache__"),
        )
        if settings.sources:
            beside = folder / "procedures" / "sources"
            shutil.copytree(settings.sources, beside, dirs_exist_ok=True)
        if published := published_file(settings):
            _copy_behind(settings.published, published, folder)
            if people := people_file(published):
                _copy_behind(settings.people, people, folder)
    return sorted(path.relative_to(folder) for path in folder.rglob("*") if path.is_file())


def _copy_behind(link: Path, file: Path, folder: Path) -> None:
    """Copy a file with its folder, and the link that points to it."""
    copied = folder / file.parent.name / file.name
    _copy(file, copied)
    (folder / link.name).symlink_to(copied.relative_to(folder))


def _copy(source: Path, target: Path) -> None:
    """Copy a file with its permissions, and wait until it is on the disk."""
    target.parent.mkdir(0o700, exist_ok=True)
    shutil.copy2(source, target)
    with target.open("rb") as file:
        os.fsync(file.fileno())
