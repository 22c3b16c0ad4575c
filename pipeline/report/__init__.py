"""Figures, and the report that stands alone."""
