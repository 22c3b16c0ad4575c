"""Asks Azurite through the storage client's pipeline, as the extractor does."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from azure.storage.blob.aio import BlobServiceClient

from pipeline.extract.requests import Requests
from tests.extract.test_blob import account_sas
from tests.services.export import Export

T = TypeVar("T")


def ask(written: Export, question: Callable[[BlobServiceClient, Requests], Coroutine[Any, Any, T]], port: int = 0) -> T:
    """Return the answer to a question asked by a connection string, or by a SAS through a proxy at a port."""

    async def work() -> T:
        if port:
            url = written.azurite.url.replace(str(written.azurite.port), str(port))
            service = BlobServiceClient(f"{url}?{account_sas(1)}", retry_total=0)
        else:
            service = BlobServiceClient.from_connection_string(written.azurite.connection_string())
        async with service:
            return await question(service, Requests(service))

    return asyncio.run(work())
