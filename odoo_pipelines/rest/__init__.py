"""External REST systems."""
