"""What Dagster sees: asset factories over the table of flows, checks, jobs, schedules and resources."""
