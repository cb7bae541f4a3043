"""Exports of other tools, as people have them: small, and with a funnel counted by hand.

What must come of them belongs to the tests.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def hubspot(folder: Path) -> Path:
    """Deals with a date for each stage: windows-1252, semicolons, decimal commas."""
    header = [
        "Record ID", "Deal Name", "Deal Stage", "Deal owner", "Amount", "Create Date",
        "Close Date", "Last Modified Date", 'Date entered "Appointment (Sales)"',
        'Date entered "Proposal (Sales)"', 'Date entered "Closed won (Sales)"',
        'Date entered "Closed lost (Sales)"',
    ]  # fmt: skip
    rows = [
        # Every deal has a close date, as expected: alone it completes nothing.
        ("701", "Müller", "Closed won", "Jörg Müller", "12.500,50", "05.01.2026 09:00",
         "30.01.2026", "02.02.2026 08:00", "05.01.2026 09:00", "12.01.2026 10:00",
         "30.01.2026 15:00", ""),
        ("702", "Käse AG", "Closed won", "Ana Ruiz", "800", "06.01.2026 09:00", "20.02.2026",
         "20.02.2026 10:00", "06.01.2026 09:00", "16.01.2026 10:00", "20.02.2026 10:00", ""),
        ("703", "Straße", "Closed lost", "Ana Ruiz", "99,90", "07.01.2026 09:00", "25.01.2026",
         "25.01.2026 09:30", "07.01.2026 09:00", "20.01.2026 11:00", "", "25.01.2026 09:30"),
        ("704", "Ölwerk", "Proposal", "Jörg Müller", "3.000", "08.01.2026 09:00", "30.09.2026",
         "19.01.2026 12:00", "08.01.2026 09:00", "19.01.2026 12:00", "", ""),
        ("705", "Bau", "Appointment", "Jörg Müller", "", "09.01.2026 09:00", "30.09.2026",
         "09.01.2026 09:00", "09.01.2026 09:00", "", "", ""),
    ]  # fmt: skip
    lines = [";".join(_quoted(cell) for cell in row) for row in (header, *rows)]
    path = folder / "deals-2026-02.csv"
    path.write_bytes("\r\n".join([*lines, ""]).encode("windows-1252"))
    return path


def zendesk(folder: Path) -> Path:
    """An audit log of tickets: a row for each changed field, with the value before."""
    rows = [
        ("ticket_id", "created_at", "author_id", "field_name", "previous_value", "value"),
        ("31", "2026-01-05T09:00:00Z", "9", "status", "", "new"),
        ("31", "2026-01-05T09:00:00Z", "9", "priority", "", "low"),
        ("31", "2026-01-05T10:00:00Z", "4", "status", "new", "open"),
        ("31", "2026-01-05T10:00:00Z", "4", "assignee", "", "kim@example.org"),
        ("31", "2026-01-07T12:00:00Z", "4", "status", "open", "solved"),
        ("32", "2026-01-05T11:00:00Z", "9", "status", "", "new"),
        ("32", "2026-01-06T11:00:00Z", "4", "status", "new", "open"),
        ("32", "2026-01-06T12:00:00Z", "4", "priority", "low", "high"),
        ("33", "2026-01-06T08:00:00Z", "9", "status", "", "new"),
        ("33", "2026-01-08T08:00:00Z", "4", "status", "new", "open"),
        ("33", "2026-01-09T08:00:00Z", "4", "status", "open", "solved"),
        ("34", "2026-01-09T14:00:00Z", "9", "status", "", "new"),
    ]
    path = folder / "ticket_audits.csv"
    path.write_text("".join(f"{','.join(row)}\n" for row in rows), encoding="utf-8")
    return path


def jira(folder: Path) -> Path:
    """Issues, each with its changelog: the first state is what the first change replaced."""

    def issue(key: str, now: str, *moves: tuple[str, str, str], extra: Any = ()) -> dict[str, Any]:
        histories = [
            {
                "id": str(n),
                "author": {"accountId": "a1", "displayName": "Ada Lee"},
                "created": at,
                "items": [
                    {"field": "status", "from": "1", "fromString": old, "to": "2", "toString": new},
                    *extra,
                ],
            }
            for n, (at, old, new) in enumerate(moves)
        ]
        return {
            "id": key.removeprefix("APP-"),
            "key": key,
            "fields": {
                "summary": f"Summary of {key}",
                "created": "2026-01-05T09:00:00.000+0100",
                "updated": "2026-01-20T09:00:00.000+0100",
                "status": {"id": "3", "name": now},
                "priority": {"id": "2", "name": "High"},
                "assignee": {"accountId": "a1", "displayName": "Ada Lee", "active": True},
            },
            "changelog": {"total": len(histories), "histories": histories},
        }

    start = ("2026-01-06T10:00:00.000+0100", "To Do", "In Progress")
    end = ("2026-01-09T17:00:00.000+0100", "In Progress", "Done")
    raised = {"field": "priority", "fromString": "Low", "toString": "High"}
    issues = [
        issue("APP-1", "Done", start, end, extra=[raised]),
        issue("APP-2", "Done", start, end),
        issue("APP-3", "In Progress", start),
        issue("APP-4", "To Do"),
    ]
    path = folder / "issues.json"
    path.write_text(json.dumps(issues), encoding="utf-8")
    return path


def salesforce(folder: Path) -> Path:
    """The history of opportunities: a row for each stage that was entered."""
    rows = [
        ("Id", "OpportunityId", "StageName", "Amount", "CreatedById", "CreatedDate"),
        ("H1", "O-1", "Prospecting", "1000", "U1", "2026-01-05T09:00:00.000Z"),
        ("H2", "O-2", "Prospecting", "500", "U2", "2026-01-06T10:00:00.000Z"),
        ("H3", "O-1", "Negotiation", "1200", "U1", "2026-01-09T16:30:00.000Z"),
        ("H4", "O-3", "Prospecting", "700", "U2", "2026-01-07T10:00:00.000Z"),
        ("H5", "O-3", "Closed Lost", "700", "U2", "2026-01-08T10:00:00.000Z"),
        ("H6", "O-2", "Negotiation", "500", "U2", "2026-01-16T10:00:00.000Z"),
        ("H7", "O-1", "Closed Won", "1200", "U1", "2026-02-01T11:00:00.000Z"),
    ]
    path = folder / "OpportunityHistory.csv"
    path.write_text("".join(f"{','.join(row)}\n" for row in rows), encoding="utf-8")
    return path


def tickets(folder: Path) -> Path:
    """A list of tickets as they are now, with the dates of creation and closing."""
    rows = [
        ("Ticket", "Subject", "Status", "Priority", "Assignee", "Created", "Closed"),
        ("T-1", "Printer is on fire", "Closed", "High", "Kim Lee", "1/13/2026 9:05", "1/14/2026 10:00"),
        ("T-2", "No toner", "Closed", "Low", "Kim Lee", "1/14/2026 9:00", "1/20/2026 10:00"),
        ("T-3", "New mouse", "Rejected", "Low", "Sam Roy", "1/14/2026 9:30", "1/15/2026 11:00"),
        ("T-4", "VPN", "In Progress", "High", "Sam Roy", "1/15/2026 8:00", ""),
        ("T-5", "Keys", "New", "Low", "", "1/16/2026 8:00", ""),
    ]  # fmt: skip
    path = folder / "tickets.csv"
    path.write_text("".join(f"{','.join(row)}\n" for row in rows), encoding="utf-8")
    return path


def _quoted(cell: str) -> str:
    return '"' + cell.replace('"', '""') + '"' if '"' in cell else cell
