"""SQL macros, one file per subject; `load` reads them for the warehouse and for analysts."""
