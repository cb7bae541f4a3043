-- The files that were taken in, and what became of their lines.
-- Grain: one row per file, known by its content.
-- lines = accepted + duplicates + quarantined + blank.
with files as (from raw_files)

select
    file_seq,
    batch_seq,
    file_name,
    sha256,
    content,
    format,
    status,
    problem,
    bytes,
    lines,
    accepted,
    duplicates,
    quarantined,
    blank,
    quarantined / nullif(lines, 0) as share_quarantined,
    ingested_at
from files
order by file_seq
