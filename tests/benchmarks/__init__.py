"""Benchmarks: printed figures, never assertions. Run by `make bench`."""
