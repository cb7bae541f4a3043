-- The bucket of a process, of `n_buckets` from 0: it follows from its id alone, on every machine.
-- kind: warehouse
create macro bucket_of(process_id, n_buckets) as
    (md5_number_lower(process_id::varchar) % n_buckets)::integer;
