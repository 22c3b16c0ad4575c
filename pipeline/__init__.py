"""Azure network security perimeter access logs: from records to access rules, with evidence."""

__version__ = "0.1.0"
