"""Buffers are used again as soon as nobody refers to them, not before, and none is much larger than asked for."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pipeline.extract.buffers import SMALLEST_BYTES, BufferPool, Bytes

SIZES = st.integers(1, 1 << 22)


@given(st.lists(SIZES, max_size=12))
def test_a_buffer_in_use_is_handed_out_to_nobody_else(sizes: list[int]) -> None:
    pool = BufferPool()
    used: list[Bytes] = []
    for size in sizes:
        buffer = pool.take(size)
        assert size <= len(buffer) <= max(2 * size, SMALLEST_BYTES)
        assert not any(np.shares_memory(buffer, other) for other in used)
        used.append(buffer[: size // 2 + 1])  # a view is a use


@given(st.lists(SIZES, min_size=1, max_size=30))
def test_what_nobody_uses_is_used_again(sizes: list[int]) -> None:
    pool = BufferPool()
    places = set()
    for size in sizes:
        buffer = pool.take(size)
        places.add((len(buffer), buffer.ctypes.data))
        del buffer
    assert len(places) == len({length for length, _ in places}), "one of each size"
