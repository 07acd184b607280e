"""Measurements: speed beside the server's own, memory, mapping. How to run and read them: README.md."""
