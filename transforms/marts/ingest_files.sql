-- The files that were taken in, and what became of their lines.
-- Grain: one row per file, known by its content.
-- lines + added = accepted + duplicates + quarantined + blank + erased.
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
    added,
    erased,
    quarantined / nullif(lines + added, 0) as share_quarantined,
    source,
    ingested_at
from files
order by file_seq
