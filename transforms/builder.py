from pathlib import Path
MACROS = (Path(__file__).parent / "macros.sql").read_text()
