"""Prints what the trials counted, beneath the results."""

import pytest


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for report in terminalreporter.getreports("passed"):
        if report.user_properties:
            figures = ", ".join(f"{count:,} {name}" for name, count in report.user_properties)
            terminalreporter.line(f"{report.head_line}: {figures} ({report.duration:,.0f} s)")
