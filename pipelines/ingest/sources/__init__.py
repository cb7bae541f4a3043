"""Landing files of other shapes become lines of process records, as sources define it.

Rows are read with their text and number, converted together in DuckDB, and then take the path of
all lines; what is rejected keeps the text and the number of its row.
"""
