"""How DuckDB is set wherever statements of the build run, so that all get the same results."""

ENGINE_SETTINGS: dict[str, str | bool | int | float | list[str]] = {
    "preserve_insertion_order": False,
    "autoinstall_known_extensions": False,
    # DuckDB estimates few rows where a step has many, and then joins each with each.
    "asof_loop_join_threshold": 0,
}
