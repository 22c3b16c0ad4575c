"""How much the costly tests try: `make soak` has them try ten times as much as `make test`."""

import os

FACTOR = int(os.environ.get("NSP_TEST_FACTOR", "1"))


def times(count: int) -> int:
    """Return how many examples, kills or rounds to try where `count` do for every day."""
    return count * FACTOR
