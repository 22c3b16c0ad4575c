"""Counts the JSON keys that hold a value, without parsing, and takes the blank ones away from the parser.

What follows a colon tells which kind of value a key has. Both the counting and the respelling hold only for text of
an expected form; whatever is odd about it sends the source the careful way, which parses without them.
"""

import re

import numpy as np

from pipeline.extract.buffers import BufferPool, Bytes, Integers
from pipeline.tables import ACCESS_LOG

_RESPELLABLE = np.array([chr(code).isascii() and chr(code).isalnum() for code in range(256)])
_SPACED_KEY = re.compile(rb'"\s+:')
_PLAIN_ARRAY = re.compile(rb'\["[^"\\{]*"(?:,"[^"\\{]*")*\]')
_CASE = 0x2020202020202020
_OBJECTS = np.array(
    [
        int.from_bytes(f'"{part}"'.lower().encode()[-8:], "little") | _CASE
        for part in sorted({part for column in ACCESS_LOG.columns for part in (column.blob or "").split(".")[:-1]})
    ],
    np.uint64,
)
"""The last eight bytes of the quoted names of objects around fields."""


def count_keys(block: Bytes, pool: BufferPool) -> int | None:
    """Count the keys whose value is neither blank ("", [], null) nor an object; None where that can't be told.

    A key whose value is "" or [] gets another last character, in place, so that no column knows it and its value
    arrives as the null that it stands for: a nullif for each column would take an eighth of the time of loading. No
    text that a column takes is changed: there is no object but those around fields, nor an array of anything but plain
    strings, in what is counted.

    A colon ends a key if a quote stands before it that is not escaped, since a quote inside a string always is. A
    string that begins with a colon counts as a key too many; that, like any wrong count, only sends a source the
    careful way. No count is too low but where None is given.

    Args:
        block: lines, each an object, the last with its newline.
        pool: lends memory for searching.
    """
    count = 0
    for colons in pool.places(block, ":"):
        before = block.take(colons - 1)
        if (before <= ord(" ")).any() and _SPACED_KEY.search(block.data):
            return None
        keys = _unescaped(block, colons[before == ord('"')])
        counted = None if keys is None else _count(block, keys[keys < len(block) - 3])  # none ends later: "}\n" follows
        if counted is None:
            return None
        count += counted
    return count


def _unescaped(block: Bytes, quoted: Integers) -> Integers | None:
    """Leave out colons whose quote is part of a string; None where a backslash before it is itself escaped."""
    escaped = block.take(quoted - 2) == ord("\\")
    if not escaped.any():
        return quoted
    if (block.take(quoted[escaped] - 3) == ord("\\")).any():
        return None
    unescaped: Integers = quoted[~escaped]
    return unescaped


def _count(block: Bytes, keys: Integers) -> int | None:
    """Count the keys that end with these colons and have a value; respell those whose value is blank."""
    value = keys + 1
    first = block.take(value)
    if (spaced := first <= ord(" ")).any():
        value += spaced
        first = block.take(value)
        if (first <= ord(" ")).any():
            return None  # more than one space
    second = block.take(value + 1)
    array, brace = first == ord("["), first == ord("{")
    empty = array & (second == ord("]"))
    blank = ((first == ord('"')) & (second == ord('"'))) | empty
    if not (
        _are_plain(block, value[array & ~empty]) and _are_known(block, keys[brace]) and _respell(block, keys[blank])
    ):
        return None
    none = blank | brace | (first == ord("n")) | (first == ord(":"))
    return len(keys) - int(np.count_nonzero(none))


def _are_plain(block: Bytes, arrays: Integers) -> bool:
    """Whether arrays hold nothing but strings, without escapes and what might be an object."""
    return all(_PLAIN_ARRAY.match(block.data, place) for place in arrays.tolist())


def _are_known(block: Bytes, keys: Integers) -> bool:
    """Whether objects are those around fields, in any case."""
    endings = np.ndarray((len(block) - 7,), "<u8", block.data, 0, (1,))  # eight bytes from each place on
    return bool(np.isin(endings[keys - 8] | np.uint64(_CASE), _OBJECTS).all())


def _respell(block: Bytes, keys: Integers) -> bool:
    r"""Change the last character of keys; False where one has none that can be changed, or it ends an escape.

    Without the end of \n or \u0041 the line would be none that DuckDB reads, and with it all files of the round fail.
    """
    escape = ord("\\")
    wide = (block.take(np.maximum(keys - 7, 0)) == escape) & (block.take(np.maximum(keys - 6, 0)) == ord("u"))
    if (wide | (block.take(keys - 3) == escape)).any() or not _RESPELLABLE.take(block.take(keys - 2)).all():
        return False
    block[keys - 2] = ord("~")
    return True
