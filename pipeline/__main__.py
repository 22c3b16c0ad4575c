"""Lets `python -m pipeline` do what `nsp` does."""

from pipeline.cli import main

main()
