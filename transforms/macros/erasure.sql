-- The fingerprint of a document of personal values, when some versions of its process were erased.
-- kind: warehouse

-- Erased versions have keyed fingerprints (pipelines/ingest/erasing/write.py); so that the others
-- can be compared with them, they are keyed here, by the key that the run has set.
create macro comparable_hash(hash, is_erased) as
    if(
        is_erased or getvariable('erasure_key') is null,
        hash,
        md5_number_lower(concat(getvariable('erasure_key'), ':', hash::varchar))
    );
