"""Measurements, each written to var/bench/<name>.json. CPU seconds of this process, one thread; never a timed test."""


class Missing(Exception):
    """Something a measurement needs is not on this machine; the text says what."""
