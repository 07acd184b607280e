"""Speaks to an external REST API: credentials, signatures, rate limit, retries, paging; knows no particular system."""
