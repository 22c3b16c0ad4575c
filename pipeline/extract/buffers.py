"""Byte buffers that are used again, and byte searches that touch little memory.

A fresh mebibyte costs some 250 page faults, which is as much time as searching it; and a search whose
intermediate arrays stay in the processor's cache takes half the time.
"""

import sys
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import numpy as np

Bytes = np.ndarray[Any, np.dtype[np.uint8]]
Integers = np.ndarray[Any, np.dtype[Any]]

WINDOW = 1 << 19
SMALLEST_BYTES = 1 << 16
_UNUSED = 3
"""References to a buffer that only the pool knows: the list, the loop variable, the argument of getrefcount."""


class BufferPool:
    """Hands out buffers; one that no array, batch or query refers to any more is handed out again.

    Their sizes are powers of two: a small file in a large buffer would hold on to all of it.
    """

    def __init__(self) -> None:
        self._buffers: defaultdict[int, list[Bytes]] = defaultdict(list)
        self._mask: np.ndarray[Any, np.dtype[np.bool_]] = np.empty(WINDOW, np.bool_)

    def take(self, size: int) -> Bytes:
        """Return a buffer of so many bytes, rounded up to a power of two from SMALLEST_BYTES on, holding anything."""
        rounded = 1 << (max(size, SMALLEST_BYTES) - 1).bit_length()
        for buffer in self._buffers[rounded]:
            if sys.getrefcount(buffer) == _UNUSED:
                return buffer
        made: Bytes = np.empty(rounded, np.uint8)
        self._buffers[rounded].append(made)
        return made

    def places(self, block: Bytes, character: str) -> Iterator[Integers]:
        """Yield the places of a character, window by window, of at least one."""
        for start in range(0, max(len(block), 1), WINDOW):
            window = block[start : start + WINDOW]
            mask = np.equal(window, ord(character), out=self._mask[: len(window)])
            found = np.flatnonzero(mask)
            found += start
            yield found
