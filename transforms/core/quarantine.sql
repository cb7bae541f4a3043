-- Rejected lines, without their text, which stays in the warehouse.
-- Grain: one row per rejected line; `line` is null for a file that could not be read, and for the
-- further lines of a file with very many that no definition can accept.
with quarantine as (from raw_quarantine),

files as (from raw_files),

procedures as (from procedures)

select
    q.rules,
    try_cast(q.process_id as uuid) as process_id,
    p.procedure,
    f.file_name,
    q.line,
    q.quarantined_at,
    q.n_lines
from quarantine as q
inner join files as f using (file_seq)
left join procedures as p on p.procedure_id = try_cast(q.procedure as uuid)
