"""Services that the tests of a session share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.services import azurite, faults, log_analytics
from tests.services.export import Export


@pytest.fixture(scope="session")
def service() -> Iterator[azurite.Azurite]:
    with azurite.running() as started:
        yield started


@pytest.fixture
def written(service: azurite.Azurite) -> Iterator[Export]:
    made = Export(service)
    yield made
    made.close()


@pytest.fixture
def between(service: azurite.Azurite) -> Iterator[faults.Proxy]:
    with faults.proxy(service.port) as started:
        yield started


@pytest.fixture
def analytics(tmp_path: Path) -> Iterator[log_analytics.LogAnalytics]:
    with log_analytics.running(tmp_path) as started:
        yield started
