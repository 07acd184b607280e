"""The steps of a run, without Dagster: extract, map, load, by id, replay, dry run, vanished records."""
