"""Accepted rules as code, applied, rolled back and verified."""
