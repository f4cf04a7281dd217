"""Measurements, each written to var/bench/<name>.json. CPU seconds of this process, one thread; never a timed test."""
