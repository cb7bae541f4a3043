"""SQL and Python that compute tables from tables.

`history/` holds what does not depend on the instant of a build, `core/` the same at that instant,
`steps/` intermediate results, `marts/` sums over processes, `per_procedure/` SQL that depends on
attributes.
"""
