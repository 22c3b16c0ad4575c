"""The nightly job: one locked run of all that a scheduler wants, and what it left."""
