"""Writes a proposal as YAML, in the form of the definitions that leadtime ships."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

import yaml

from pipelines.infer.proposal import Proposal, ProposedState, ProposedValue
from pipelines.terminal.visible import visible
from schemas.definitions.values import Option
from schemas.docs.json_schema import SCHEMA_FILE

# Text that every reader of YAML takes for text; the rest goes into quotes.
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*([ .-][A-Za-z0-9_]+)*")
_NO_TEXT = frozenset(["null", "true", "false", "yes", "no", "on", "off", "y", "n"])
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def write_proposal(proposal: Proposal) -> str:
    """The YAML text; comments say what was guessed from what, in counts and never in values."""
    return "\n".join(_lines(proposal)) + "\n"


def _lines(proposal: Proposal) -> Iterator[str]:
    # A URI, as the proposal may be saved anywhere and paths may have spaces.
    yield f"# yaml-language-server: $schema={SCHEMA_FILE.resolve().as_uri()}"
    yield from (f"# {visible(' '.join(line.split()))}" for line in proposal.head)
    yield f"id: {proposal.id}"
    yield f"shortId: {scalar(proposal.short_id)}  # tables are named after it: rename it"
    if proposal.entity:
        yield f"entity: {proposal.entity}"
    if key := proposal.primary_key:
        yield f"primaryKey: {scalar(key)}"
    is_given = "as given" if proposal.time_zone else "not in the data"
    yield f"timezone: {proposal.time_zone or 'UTC'}  # {is_given}; used for times without an offset"
    for section, values in (
        ("attributes", proposal.attributes),
        ("derivedAttributes", proposal.derived),
    ):
        if values:
            yield f"{section}:"
            yield from (_entry(_value(value), value.note) for value in values)
    yield f"states:  # {proposal.states_note}"
    yield from (_entry(_state(state), state.note) for state in proposal.states)
    yield f"startState: {scalar(proposal.start)}  # {proposal.start_note}"
    yield f"completedState: {scalar(proposal.completed)}  # {proposal.completed_note}"
    if proposal.moves:
        yield (
            "stategraph:  # every observed move with its count; delete those that should be flagged"
        )
        for moves in proposal.moves:
            note = f"  # {moves.note}" if moves.note else ""
            yield f"  {scalar(moves.state)}: {listed(moves.targets)}{note}"
    else:
        yield "# No moves were observed: without a stategraph every move is allowed."
    if proposal.funnel:
        yield f"funnels:  # {proposal.funnel_note}"
        yield f"  - {{name: usual_path, steps: {listed(proposal.funnel)}}}"


def _value(value: ProposedValue) -> Mapping[str, str]:
    written = {"id": value.id, "shortId": scalar(value.short_id), "type": value.type}
    for name in ("required", "unique"):
        if getattr(value, name):
            written[name] = "true"
    if value.personal != "no":
        written["personal"] = value.personal
    if value.aliases:
        written["aliases"] = listed(value.aliases)
    if value.options:
        written["options"] = listed(value.options)
    return written


def _state(state: ProposedState) -> Mapping[str, str]:
    return {"id": state.id, "shortId": scalar(state.short_id), "kind": state.kind}


def _entry(written: Mapping[str, str], note: str) -> str:
    members = ", ".join(f"{key}: {text}" for key, text in written.items())
    return f"  - {{{members}}}  # {note}"


def listed(items: Sequence[Option]) -> str:
    """Values as a list in one line."""
    return f"[{', '.join(_scalars(items))}]"


def _scalars(items: Iterable[Option]) -> Iterator[str]:
    return (scalar(item) for item in items)


def scalar(value: Option) -> str:
    """A value as YAML that every reader takes for the same."""
    if not isinstance(value, str):
        return repr(value)
    is_plain = _PLAIN.fullmatch(value) and value.lower() not in _NO_TEXT
    if is_plain or _UUID.fullmatch(value):
        return value
    # PyYAML knows what YAML must have escaped; its lines end where ours go on.
    is_visible = visible(value) == value
    return yaml.safe_dump(value, default_style='"', allow_unicode=is_visible, width=10**9).strip()
