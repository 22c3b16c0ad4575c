"""The published snapshot: what people read while the warehouse is written."""
