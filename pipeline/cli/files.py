"""Writes the files that commands are asked for."""

import os
from pathlib import Path

_STREAMS = ("/dev/stdout", "/dev/stderr", "/dev/fd/", "/proc/")


def put(path: Path, data: bytes) -> None:
    """Write a file whole or not at all: a reader of the last one never sees half of this one.

    A link is followed. Devices and pipes, such as /dev/stdout, are written to and never replaced, also where the shell
    sends them to a file.

    Raises:
        OSError: it can't be written.
    """
    target = path.resolve()
    if str(path.absolute()).startswith(_STREAMS) or (target.exists() and not target.is_file()):
        with path.open("ab") as device:
            device.write(data)
        return
    unfinished = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        unfinished.write_bytes(data)
        unfinished.replace(target)
    finally:
        unfinished.unlink(missing_ok=True)
