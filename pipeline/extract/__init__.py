"""Finds what is new in a source of log records and hands out its lines."""
