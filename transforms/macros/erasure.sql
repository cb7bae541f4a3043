-- The fingerprint of a document of personal values, when some versions of its process were erased.
-- kind: warehouse

-- What an erased version has: nobody can try values on it without the key.
create macro keyed_fingerprint(key, hash) as
    md5_number_lower(concat(key, ':', hash::varchar));

-- So that the others can be compared with erased ones, they are keyed by the key that the run set.
create macro comparable_hash(hash, is_erased) as
    if(
        is_erased or getvariable('erasure_key') is null,
        hash,
        keyed_fingerprint(getvariable('erasure_key'), hash)
    );
