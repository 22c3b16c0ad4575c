"""What every command shares: the store and configuration options, opened only when needed."""

import os
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipeline import settings
from pipeline.cli.log import Log, new_run_id
from pipeline.settings import Settings

if TYPE_CHECKING:
    from pipeline.review.decisions import Decisions
    from pipeline.store import Store

StoreOption = Annotated[
    Path | None,
    typer.Option("--store", help="Folder of the warehouse. Default: ./.nsp, or store.path of nsp.toml."),
]
ConfigOption = Annotated[
    Path | None,
    typer.Option("--config", help="Settings file. Default: ./nsp.toml, if there is one."),
]


@dataclass
class Context:
    """The common options, and what follows from them."""

    store: Path | None = None
    config: Path | None = None
    log: Log = field(default_factory=lambda: Log(new_run_id()))

    @cached_property
    def settings(self) -> Settings:
        """Settings in force; read once, when a command first asks."""
        return settings.load(self.config, os.environ, {"store": self.store})

    def chosen(self, **flags: Any) -> Settings:
        """Return the settings with a command's own flags put in; None means not given."""
        self.settings = settings.load(self.config, os.environ, {"store": self.store, **flags})
        return self.settings

    def open(self, *, read_only: bool = True) -> "Store":
        """Open the warehouse as the settings say."""
        from pipeline.store import open_store

        chosen = self.settings
        return open_store(chosen.store, read_only=read_only, memory=chosen.memory, wait=chosen.store_wait)

    def decisions(self) -> "Decisions":
        """Return the decisions beside the warehouse."""
        from pipeline.review.decisions import open_decisions

        return open_decisions(self.settings.store, wait=self.settings.store_wait)
