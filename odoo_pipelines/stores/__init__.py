"""Where things are kept: batches (Parquet files) and the state (PostgreSQL)."""
