"""Decisions on proposals, and the page on which they are made."""
