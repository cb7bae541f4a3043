"""Writes a source as YAML, in the form of the examples that leadtime ships."""

from collections.abc import Iterator, Mapping

from pipelines.infer.writing import listed, scalar
from pipelines.terminal.visible import visible
from schemas.definitions.source import Log, Source
from schemas.docs.json_schema import SOURCE_SCHEMA_FILE

_WORDS = (
    "name", "shape", "files", "procedure", "timezone", "dates", "encoding", "delimiter", "decimal",
    "items",
)  # fmt: skip
_ALWAYS = ("name", "shape", "files", "procedure", "timezone")
_MAPPINGS = ("fields", "names", "attributes", "statuses", "outcomes", "stages")
_NOTES = {
    "files": "the names of later exports too",
    "timezone": "not in the file; of times without an offset",
    "statuses": "by the words of their names",
    "outcomes": "by the words of their names",
}


def write_source(source: Source, notes: Mapping[str, str]) -> str:
    """The YAML text; comments say what was guessed from what."""
    return "\n".join(_lines(source, {**_NOTES, **notes})) + "\n"


def _lines(source: Source, notes: Mapping[str, str]) -> Iterator[str]:
    yield f"# yaml-language-server: $schema={SOURCE_SCHEMA_FILE.resolve().as_uri()}"
    yield "# Guessed from names and values of columns: check what each of them means."
    for key in _WORDS:
        value = getattr(source, key)
        if value and (key in _ALWAYS or value != Source.model_fields[key].default):
            one = value[0] if key == "files" and len(value) == 1 else value
            text = scalar(one) if isinstance(one, str) else listed(one)
            yield _noted(f"{key}: {text}", notes.get(key))
    for key in _MAPPINGS:
        mapping: dict[str, str] = dict(getattr(source, key))
        if mapping:
            yield _noted(f"{key}:", notes.get(key))
            for name, value in mapping.items():
                yield _noted(f"  {scalar(name)}: {scalar(value)}", notes.get(name))
        elif key == "outcomes" and notes[key] != _NOTES[key]:
            yield f"# {visible(notes[key])}"
    if source.log:
        yield from _log(source.log)
    if deletion := source.deletion:
        values = listed(deletion.values)
        yield f"deletion: {{column: {scalar(deletion.column)}, values: {values}}}"
    if source.snapshot:
        yield "snapshot: {deleteAtMost: 0}  # the share of the list that one file may delete"


def _log(log: Log) -> Iterator[str]:
    yield "log:"
    for key in ("histories", "items", "at", "field", "old", "new"):
        if (value := getattr(log, key)) is not None:
            yield f"  {key}: {scalar(value)}"
    for key in ("fields", "attributes"):
        if mapping := dict(getattr(log, key)):
            pairs = ", ".join(f"{scalar(name)}: {scalar(v)}" for name, v in mapping.items())
            yield f"  {key}: {{{pairs}}}"


def _noted(line: str, note: str | None) -> str:
    return f"{line}  # {visible(' '.join(note.split()))}" if note else line
