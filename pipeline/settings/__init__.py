"""Settings: nsp.toml, then NSP_* variables, then flags; one frozen object, read by the CLI and passed down."""

from pipeline.settings.declaration import Settings
from pipeline.settings.ranges import Problem, ranges
from pipeline.settings.reading import CONFIG_FILE, examine, load

__all__ = ["CONFIG_FILE", "Problem", "Settings", "examine", "load", "ranges"]
