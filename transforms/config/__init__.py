"""Writes definitions as `config` tables, which the SQL joins."""
