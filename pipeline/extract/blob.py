"""Finds diagnostic exports in a storage account and compares them with the load ledger.

A diagnostic setting writes one container a log category (`insights-logs-{category}`) and in it one append blob an
hour: `resourceId=/SUBSCRIPTIONS/.../y=YYYY/m=MM/d=DD/h=HH/m=00/PT1H.json` (Azure Monitor, "Resource logs"). Names
sort by perimeter, then by hour, so a listing that starts at an hour (`startFrom`) never sees the archive before it.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from operator import itemgetter
from typing import Any

from pipeline.azure.patience import REQUEST_ERRORS, is_transient_at_first, patiently
from pipeline.errors import SourceError, UnreachableError
from pipeline.extract import mark
from pipeline.extract.account import Account, told
from pipeline.extract.blob_content import BlobContent, is_append, state_of
from pipeline.extract.folder import SUFFIXES
from pipeline.extract.ledger import Listed, compare
from pipeline.extract.listing import Blob, pages
from pipeline.extract.source import Plan
from pipeline.progress import Advance, work
from pipeline.store import Store

SOURCE_KIND = "blob"
HOUR = timedelta(hours=1)
PAGE_BLOBS = 1000
"""In one answer of a listing, all of which is in memory at once; a service gives 5,000 at the most."""

_HOURLY = re.compile(r"(?P<scope>.+)/y=(\d{4})/m=(\d{2})/d=(\d{2})/h=(\d{2})/m=\d{2}/[^/]+")
_AFTER = "/z"
"""Sorts behind every /y=... of a folder."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which blobs to look at.

    Args:
        container_prefix: how the containers begin that are found by listing.
        containers: names of containers to read instead, where a SAS admits no listing of containers.
        since: first hour, by the hour in the blob's name; None for all there is.
        until: end, exclusive.
        perimeter: name or ARM id of one perimeter; None for all.
        look_back: hours before the end of the last run that are looked at again, since a blob may still grow.
        relist: look at everything from `since` on, whatever was loaded already.
    """

    container_prefix: str = "insights-logs-nsp"
    containers: tuple[str, ...] = ()
    since: datetime | None = None
    until: datetime | None = None
    perimeter: str | None = None
    look_back: timedelta = timedelta(hours=48)
    relist: bool = False

    def folder(self, scope: str) -> bool:
        """Whether blobs below a perimeter's folder are wanted."""
        if self.perimeter is None:
            return True
        named, folder = self.perimeter.lower().strip("/"), scope.lower().removeprefix("resourceid=").strip("/")
        return named in (folder, folder.rsplit("/", 1)[-1])


def plan(store: Store, account: Account, wanted: Wanted) -> tuple[Plan, dict[str, mark.Mark]]:
    """Return what is new in an account, in the order of hours, and the marks that move when all of it is loaded.

    Reads: load_ledger, load_mark.

    Raises:
        SourceError: no container begins like that.
        AzureError: the account can't be listed.
    """
    known = mark.marks(store, SOURCE_KIND)
    with work("listing", unit="blobs") as advance:
        listing = _Listing(account, wanted, known, advance)
        account.background.run(listing.run())
    unfinished = [row[0] for row in store.rows("extract/unfinished_blobs", prefix=account.url + "/")]
    account.background.run(listing.add(name for name in unfinished if name not in listing.found))
    plan = Plan(unreadable=listing.unreadable)
    listed = (each for _, each in sorted(listing.found.values(), key=itemgetter(0)))
    compare(store, SOURCE_KIND, account.url, listed, plan)
    return plan, listing.marks()


def marks_to_keep(marks: dict[str, mark.Mark], failed: list[str]) -> dict[str, mark.Mark]:
    """Return the marks of the folders in which nothing failed.

    A folder with a blob that could not be read stays where it was, so that the next run looks at it again.
    """
    spoilt = {scope for scope in marks if any(name == scope or name.startswith(scope + "/") for name in failed)}
    return {scope: each for scope, each in marks.items() if scope not in spoilt}


class _Listing:
    """Lists the containers, several at a time."""

    def __init__(self, account: Account, wanted: Wanted, known: dict[str, mark.Mark], listed: Advance) -> None:
        self.found: dict[str, tuple[tuple[str, str], Listed]] = {}
        self.unreadable: list[tuple[str, str]] = []
        self._account = account
        self._wanted = wanted
        self._known = known
        self._listed = listed
        self._begin: dict[str, datetime | None] = {}
        self._newest: dict[str, datetime] = {}
        self._errors: list[BaseException] = []

    async def run(self) -> None:
        """List all that is wanted."""
        names = list(dict.fromkeys(self._wanted.containers)) or await self._asked(self._containers)
        if not names:
            raise SourceError(
                f"No container of {self._account.url} begins with {self._wanted.container_prefix}. A category's "
                "container is made with its first record; check that the perimeter's diagnostic setting writes to "
                "this account.",
            )
        await asyncio.gather(*(self._container(name) for name in names))
        if len(self._errors) == len(names) and (refusal := self._account.refusal(self._errors[0])):
            raise refusal

    async def add(self, names: Iterable[str]) -> None:
        """Look at single blobs by their names in the ledger: those whose last line was cut, however old they are."""
        for name in names:
            container, _, path = name.removeprefix(self._account.url + "/").partition("/")
            _, hour = _hour_of(path)
            outside = hour and self._wanted.since and hour < self._wanted.since
            if outside or not container.startswith(self._wanted.container_prefix):
                continue
            try:
                state, append = await self._account.downloads.look(container, path)
            except OSError:
                continue  # it is gone, or will be asked for again
            content = BlobContent(self._account.downloads, container, path, state, append)
            self.found[name] = ((hour.isoformat() if hour else "", name), Listed(name, state, content, append))

    def marks(self) -> dict[str, mark.Mark]:
        """Return how far each folder is loaded once everything that was found is, where that is new."""
        made = {}
        for scope, newest in self._newest.items():
            known = self._known.get(scope)
            until = min(newest, self._wanted.until) if self._wanted.until else newest
            reached = mark.advanced(known, self._wanted.since, until, self._wanted.look_back)
            if reached != known:
                made[scope] = reached
        return made

    async def _containers(self) -> list[str]:
        prefix = self._wanted.container_prefix
        return [each.name async for each in self._account.service.list_containers(name_starts_with=prefix)]

    async def _asked(self, question: Callable[[], Any]) -> Any:
        try:
            return await patiently(question, self._account.patience, repeatable=is_transient_at_first)
        except REQUEST_ERRORS as error:
            raise self._account.refusal(error) or UnreachableError(
                f"{self._account.url} gives no answer: {told(error)}. Try again later."
            ) from None

    async def _container(self, name: str) -> None:
        try:
            async for blob, scope, hour in self._blobs(name):
                self._take(name, blob, scope, hour)
        except REQUEST_ERRORS as error:
            self._errors.append(error)
            self.unreadable.append((f"{self._account.url}/{name}", f"it can't be listed: {told(error)}"))
            self._begin = {key: value for key, value in self._begin.items() if not key.startswith(self._url(name))}
            self._newest = {key: value for key, value in self._newest.items() if not key.startswith(self._url(name))}

    def _url(self, container: str, path: str = "") -> str:
        return f"{self._account.url}/{container}/{path}"

    def _take(self, container: str, blob: Blob, scope: str, hour: datetime | None) -> None:
        name = self._url(container, blob.name)
        if not blob.name.endswith(SUFFIXES) or not blob.size:
            return
        if hour is not None:
            key = self._url(container, scope)
            # a clock in a name may be wrong, the service's isn't: nothing later was written than this
            newest = min(hour + HOUR, blob.last_modified.replace(tzinfo=None) + HOUR)
            self._newest[key] = max(newest, self._newest.get(key, newest))
        content = BlobContent(self._account.downloads, container, blob.name, state_of(blob), is_append(blob))
        archived = "it is in the archive tier; rehydrate it, or ask from a later --since"
        unreadable = archived if blob.blob_tier == "Archive" else ""
        order = (hour.isoformat() if hour else "", name)
        self.found[name] = (order, Listed(name, content.listed, content, content.append, unreadable))
        self._listed()

    async def _blobs(self, container: str) -> AsyncIterator[tuple[Blob, str, datetime | None]]:
        """Yield the blobs that are wanted with their folder and hour, jumping over the hours that aren't."""
        start: str | None = None
        jumps = True
        while True:
            last = ""
            async for blob in self._pages(container, start, jumps=jumps):
                if blob.name == last:
                    continue
                if jumps and blob.name < (last or start or ""):
                    jumps = False
                    if last:  # it lists a folder before another that begins like it: some may be behind us
                        start = None
                        break
                    # a service that knows no startFrom begins at the beginning
                last = blob.name
                scope, hour = _hour_of(blob.name)
                target = self._jump(self._url(container, scope), scope, hour)
                if target is None:
                    yield blob, scope, hour
                elif jumps and target > blob.name:
                    start = target
                    break
            else:
                return

    async def _pages(self, container: str, start: str | None, *, jumps: bool) -> AsyncIterator[Blob]:
        """Yield blobs from a name on; a page that can't be had is asked for again."""
        nightly = jumps and any(value.startswith(self._url(container)) for value in self._known)
        if nightly and start is None:  # it finds where to jump to: a whole page would be thrown away
            async for page in self._asked_pages(container, None, 1):
                if page:
                    yield page[0]
                    start = page[0].name
                    break
            else:
                return
        async for page in self._asked_pages(container, start, PAGE_BLOBS):
            for blob in page:
                yield blob

    def _asked_pages(self, container: str, start: str | None, size: int) -> AsyncIterator[list[Blob]]:
        return pages(self._account.requests, container, start, size, self._account.patience)

    def _jump(self, key: str, scope: str, hour: datetime | None) -> str | None:
        """Return the name to go on with, where a blob isn't wanted; None where it is."""
        if hour is None:
            return None
        if not self._wanted.folder(scope):
            return scope + _AFTER
        if key not in self._begin:
            known = None if self._wanted.relist else self._known.get(key)
            self._begin[key] = mark.begin_of(known, self._wanted.since, self._wanted.look_back)
        begin = self._begin[key]
        if begin is not None and hour < begin.replace(minute=0, second=0, microsecond=0):
            return f"{scope}/y={begin:%Y}/m={begin:%m}/d={begin:%d}/h={begin:%H}/"
        if self._wanted.until is not None and hour >= self._wanted.until:
            return scope + _AFTER
        return None


def _hour_of(name: str) -> tuple[str, datetime | None]:
    """Return the folder and the hour in a blob's name; the hour is None where there is none."""
    match = _HOURLY.fullmatch(name)
    if not match:
        return "", None
    if not match[2].startswith("2"):
        return "", None  # no year of a log; arithmetic on it may leave the calendar
    try:
        return match["scope"], datetime(*(int(part) for part in match.groups()[1:]))  # type: ignore[arg-type] # noqa: DTZ001
    except ValueError:
        return "", None
