"""How values and tables are written in a terminal."""
