"""Tables that other processes compute: versions go out in buckets of processes, tables come back.

Both are Parquet files in one folder, which every machine must reach under the same path.
"""
