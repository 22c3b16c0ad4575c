"""Turns lines into typed records, and records into hourly flows."""
