"""Looks over the lines of a block before they are parsed: what no parser should see, and how many keys hold a value."""

import re

import numpy as np

from pipeline.extract.buffers import BufferPool, Bytes, Integers
from pipeline.extract.census import count_keys
from pipeline.extract.source import Tally

MAX_DEPTH = 500
RAW_CHARACTERS = 4096
_STRING = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)


def screen(
    block: Bytes, ends: Integers, first_line: int, tally: Tally, pool: BufferPool, *, quick: bool
) -> Integers | None:
    """Return which lines hold text to parse (None: all), and note in the tally what they hold.

    Args:
        block: bytes that end with a newline.
        ends: offsets behind each newline.
        first_line: number of the first line.
        tally: gets the counts, flawed lines and, on the quick way, why the source has to go the careful one.
        pool: lends memory for searching.
        quick: count keys, and give up at the first thing that calls for the careful way.
    """
    starts = np.concatenate(([0], ends[:-1]))
    last = block[np.maximum(ends - 2, 0)]
    plausible = (block[starts] == ord("{")) & ((last == ord("}")) | (last == ord("\r")))
    valid: Integers | None = None
    if not plausible.all():
        valid = plausible.copy()
        for index in np.flatnonzero(~plausible).tolist():
            text = block[starts[index] : ends[index]].tobytes().strip()
            if text and quick:
                tally.suspect = f"line {first_line + index} is no record"
                return None
            valid[index] = bool(text)
    if not quick:
        valid = _check_nesting(block, starts, ends, first_line, valid, tally)
    if block.max(initial=0) >= 0x80:  # noqa: PLR2004 -- beyond ASCII
        valid = _check_encoding(block, starts, ends, first_line, valid, tally, quick=quick)
    tally.records += len(ends) if valid is None else int(valid.sum())
    if quick:
        keys = count_keys(block, pool)
        if keys is None:
            tally.suspect = "keys that can't be counted"
        else:
            tally.keys += keys
    return valid


def _check_encoding(
    block: Bytes,
    starts: Integers,
    ends: Integers,
    first_line: int,
    valid: Integers | None,
    tally: Tally,
    *,
    quick: bool,
) -> Integers | None:
    """Hold back lines that aren't UTF-8."""
    try:
        block.tobytes().decode("utf-8")
    except UnicodeDecodeError:
        valid = np.ones(len(ends), bool) if valid is None else valid
        for index, (start, end) in enumerate(zip(starts.tolist(), ends.tolist(), strict=True)):
            line = block[start:end]
            try:
                line.tobytes().decode("utf-8")
            except UnicodeDecodeError:
                valid[index] = False
                tally.flawed.append((first_line + index, "not UTF-8", evidence(line)))
        if quick:
            tally.suspect = "not UTF-8"
    return valid


def evidence(text: Bytes) -> str:
    """Return the beginning of a line that can't be passed on, as text."""
    return text[:RAW_CHARACTERS].tobytes().decode("utf-8", "backslashreplace")


def _check_nesting(
    block: Bytes, starts: Integers, ends: Integers, first_line: int, valid: Integers | None, tally: Tally
) -> Integers | None:
    """Hold back lines that no parser should be asked to read."""
    openers = (block == ord("{")) | (block == ord("["))
    many = np.add.reduceat(openers.astype(np.int64), starts) > MAX_DEPTH
    for index in np.flatnonzero(many).tolist():
        line = block[starts[index] : ends[index]]
        if (valid is None or valid[index]) and _depth(line) > MAX_DEPTH:
            valid = np.ones(len(starts), bool) if valid is None else valid
            valid[index] = False
            reason = f"more than {MAX_DEPTH:,} objects and arrays in one another"
            tally.flawed.append((first_line + index, reason, evidence(line)))
    return valid


def _depth(line: Bytes) -> int:
    """Return how deep objects and arrays lie in one another."""
    text = np.frombuffer(_STRING.sub(b"", line.tobytes()), np.uint8)
    opened = ((text == ord("{")) | (text == ord("["))).astype(np.int64)
    closed = ((text == ord("}")) | (text == ord("]"))).astype(np.int64)
    return int(np.cumsum(opened - closed).max(initial=0))
