"""The world that the tests of a module share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.publish.world import World, world


@pytest.fixture
def there(tmp_path: Path) -> Iterator[World]:
    with world(tmp_path) as made:
        yield made
