"""A second, naive implementation of the definitions: what the tables are compared with.

No frame library, no SQL, no import from the product belongs here: it would share its mistakes.
"""
