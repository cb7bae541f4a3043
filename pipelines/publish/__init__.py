"""Read-only generations of the published database, and the pointer to the latest; backups."""
