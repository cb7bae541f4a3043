"""The statuses of the platform."""

STATUSES = ("OPEN", "COMPLETED", "CANCELLED")
