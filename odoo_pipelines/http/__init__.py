"""One HTTP stack: sessions, limits, retries, authentication, signing, paging."""
