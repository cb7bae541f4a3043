"""Command line, ingest, publishing, exports, reports and Dagster."""
