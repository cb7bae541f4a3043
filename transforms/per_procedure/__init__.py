"""SQL that depends on a procedure's attributes."""
