-- The parts of `ingest_seq`, which numbers files in the order of ingest and lines within them.
-- kind: warehouse

create macro file_of(ingest_seq) as ingest_seq // lines_per_file();

create macro line_of(ingest_seq) as ingest_seq % lines_per_file();
