"""Tells somebody what a night brought: by a command that is given JSON, or a webhook that JSON is posted to."""

import contextlib
import json
import os
import shlex
import signal
import subprocess
import urllib.request
from collections.abc import Mapping
from http.client import HTTPException
from typing import IO, Any
from urllib.error import HTTPError
from urllib.parse import urlsplit

from pipeline.azure.signin import secret_of_environment, secret_of_file
from pipeline.errors import NotifyError, UsageError

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirect would take what is told to a place that nobody named."""

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Any, newurl: str
    ) -> None:
        """Follow none."""


def words_of(command: str) -> list[str]:
    """Split a command into words as a shell would; no shell ever runs it.

    Raises:
        UsageError: there is no word, or a quote isn't closed.
    """
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise UsageError(f"The notify command can't be read: {error}.") from None
    if not words:
        raise UsageError("The notify command is empty.")
    return words


def webhook_of(variable: str, file: str, environment: Mapping[str, str]) -> str:
    """Return the URL of the webhook, which is a secret; "" where none is named.

    Args:
        variable: name of an environment variable that holds it.
        file: a file that holds it.
        environment: os.environ.

    Raises:
        UsageError: it isn't there, or no URL that may be posted to.
    """
    if variable and file:
        raise UsageError("Name one of nightly.webhook_env and nightly.webhook_file.")
    if not variable and not file:
        return ""
    url = secret_of_environment(variable, environment) if variable else secret_of_file(file)
    try:
        parts = urlsplit(url)
        is_fine = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)
    except ValueError:
        is_fine = False
    if not is_fine or not parts.hostname:
        raise UsageError(f"What {variable or file} holds is no URL of a webhook: it must begin with https://.")
    return url


def run_command(words: list[str], content: Mapping[str, Any], seconds: float) -> None:
    """Run a command, without a shell, with JSON on its stdin; what it prints is thrown away.

    Raises:
        NotifyError: it isn't there, took too long (it and its children are killed), or ended with another code than 0.
    """
    try:
        process = subprocess.Popen(  # the words are the user's own: no shell, nothing of a log in them
            words, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        )
    except (OSError, ValueError) as error:
        raise NotifyError(
            f"The notify command {words[0]} can't be started: {getattr(error, 'strerror', None) or error}."
        ) from None
    with process:  # which closes its stdin as well
        try:
            process.communicate(json.dumps(content).encode() + b"\n", timeout=seconds)
        except subprocess.TimeoutExpired:
            raise NotifyError(f"The notify command {words[0]} took longer than {seconds:g} seconds.") from None
        finally:
            if process.poll() is None:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()
    if process.returncode:
        raise NotifyError(f"The notify command {words[0]} ended with code {process.returncode}.")


def post(url: str, content: Mapping[str, Any], seconds: float) -> None:
    """Post JSON to a webhook. No message holds its URL, which is a secret.

    Raises:
        NotifyError: it can't be reached, or answered anything but 2xx.
    """
    request = urllib.request.Request(  # noqa: S310 -- webhook_of lets https through, http to this machine only
        url, data=json.dumps(content).encode(), headers={"Content-Type": "application/json"}, method="POST"
    )
    try:
        with urllib.request.build_opener(_NoRedirect).open(request, timeout=seconds):
            pass
    except HTTPError as error:
        error.close()
        raise NotifyError(f"The webhook answered {error.code}.") from None
    except (OSError, HTTPException, ValueError) as error:
        raise NotifyError(f"The webhook can't be reached ({type(error).__name__}).") from None
