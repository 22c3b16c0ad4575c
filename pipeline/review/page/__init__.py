"""The page on which an admin reads proposals with their evidence, and decides."""
