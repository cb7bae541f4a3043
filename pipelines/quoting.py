"""Names and texts as SQL writes them, for statements that take neither as a parameter.

Values go in as parameters wherever they can; they do not belong here.
"""


def quoted(name: str) -> str:
    """A name as an identifier."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A text as a literal."""
    return "'" + text.replace("'", "''") + "'"
