"""Serves the page on 127.0.0.1, behind the guard."""

import logging
from pathlib import Path
from typing import Any

from dash import Dash
from waitress import create_server, wasyncore

from pipeline.errors import UsageError
from pipeline.review.page import deciding, editing, overview, planning, selecting
from pipeline.review.page.guard import Guard
from pipeline.review.page.layout import layout
from pipeline.review.page.reviewing import Review

ADDRESS = "127.0.0.1"
THREADS = 6
LONGEST_REQUEST = 2_000_000
"""Bytes; the largest one that the page makes names a few thousand proposals."""
_INDEX = """<!DOCTYPE html>
<html lang="en">
<head>
{%metas%}
<meta name="color-scheme" content="light dark">
<title>{%title%}</title>
<link rel="icon" href="/assets/icon.svg" type="image/svg+xml">
{%css%}
</head>
<body>
{%app_entry%}
<footer>{%config%}{%scripts%}{%renderer%}</footer>
</body>
</html>"""


class Served:
    """A page that listens.

    Args:
        review: what it shows.
        port: 0 for any that is free.

    Raises:
        UsageError: the port is taken, or not ours to take.
    """

    def __init__(self, review: Review, port: int = 0) -> None:
        app = make_app(review)
        guard = Guard(app.server.wsgi_app, app.csp_hashes())
        self._sockets: dict[int, Any] = {}
        try:
            self._server = create_server(
                guard, map=self._sockets, host=ADDRESS, port=port, threads=THREADS, ident="",
                max_request_body_size=LONGEST_REQUEST, clear_untrusted_proxy_headers=True,
            )  # fmt: skip
        except OSError as error:
            raise UsageError(f"Port {port} can't be had ({error.strerror}): name another, or --port 0.") from error
        self.port = int(self._server.effective_port)
        self.url = guard.bind(self.port)
        """Opens one browser, once."""

    def run(self) -> None:
        """Answer requests until it is interrupted or stopped."""
        logging.getLogger("waitress").setLevel(logging.ERROR)
        try:
            self._server.run()
        finally:
            self._end()

    def stop(self) -> None:
        """Have `run` end; for other threads."""
        self._server.trigger.pull_trigger(self._end)

    def _end(self) -> None:
        self._server.task_dispatcher.shutdown()
        wasyncore.close_all(self._sockets)


def make_app(review: Review) -> Dash:
    """Return the page as an application; nothing stands before it yet."""
    app = Dash(
        "nsp",
        assets_folder=str(Path(__file__).with_name("assets")),
        index_string=_INDEX,
        serve_locally=True,
        title="nsp review",
        update_title="",
        suppress_callback_exceptions=True,
        add_log_handler=False,
        meta_tags=[{"name": "viewport", "content": "width=device-width, initial-scale=1"}],
        enable_mcp=False,
        use_pages=False,
        pages_folder="",
    )
    app.layout = _fresh(review)
    for panel in (overview, selecting, deciding, editing, planning):
        panel.connect(app, review)
    return app


def _fresh(review: Review) -> Any:
    """Return what makes the layout anew for each visit: the run may be another one."""

    def made() -> Any:
        return layout(review)

    return made
