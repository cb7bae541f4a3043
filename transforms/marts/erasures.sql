-- What was erased, and the search that followed; no personal data.
-- Grain: one row per erasure.
with erasures as (from raw_erasures)

select
    erasure_no,
    erased_at,
    kind,
    subject_hash,
    processes,
    versions,
    violations,
    dimension_rows,
    quarantined_lines,
    landing_lines,
    searched_values,
    searched_columns,
    searched_files,
    matches
from erasures
order by erasure_no
