"""Compares what a place lists with the load ledger: what is new, what grew, what is as it was."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from pipeline.extract.source import Content, Plan, Source, State, is_compressed
from pipeline.store import Store

_NAMES_AT_ONCE = 20_000


@dataclass(frozen=True, slots=True)
class Listed:
    """One file as a place lists it.

    Args:
        name: absolute path or URL, as in the ledger.
        state: etag and size.
        content: where its bytes are.
        appended_only: nothing but appending can have made it longer (an append blob, or a file whose loaded
            bytes are checked when it is read on), so that its tail is enough.
        unreadable: why it can't be read at present; "" where it can.
    """

    name: str
    state: State
    content: Content
    appended_only: bool = True
    unreadable: str = ""


@dataclass(frozen=True, slots=True)
class Loaded:
    """What the ledger knows of a file; the columns of extract/loaded_sources after the name."""

    source_id: int
    etag: str
    size_bytes: int
    loaded_bytes: int
    lines: int
    records: int
    rejected: int
    head_hash: str
    tail_hash: str

    def may_grow_to(self, file: Listed) -> bool:
        """Whether a file of this name may be what was loaded with more at its end."""
        if not file.appended_only or is_compressed(file.name):
            return False
        return file.state.size_bytes > self.size_bytes and self.loaded_bytes > 0 and bool(self.head_hash)


CopiesOf = Callable[[Sequence[Listed]], Mapping[str, Loaded | None]]
"""Files that the ledger knows by another name: what it knows, None where nothing more is to be read."""


def compare(
    store: Store,
    source_kind: str,
    place: str,
    listed: Iterable[Listed],
    plan: Plan,
    copies_of: CopiesOf = lambda _: {},
) -> Plan:
    """Add to a plan what has to be loaded of the listed files, in their order, and count the others.

    A file with an unchanged etag is left alone. One that grew is to be read from where it was left; whether it
    still begins (and, where it was read to, ends) as before is checked when it is read. Any other changed file is
    read anew and takes the place of its old rows.

    Reads: load_ledger.

    Args:
        store: the warehouse.
        source_kind: folder or blob.
        place: URL of the account; "folder" for all folders together.
        listed: the files.
        plan: to add to.
        copies_of: asked about the files that the ledger doesn't know by their name.
    """
    next_id = store.rows("extract/last_source_id")[0][0] + 1
    read_on: set[int] = set()
    walk = iter(listed)
    while files := list(islice(walk, _NAMES_AT_ONCE)):
        known = loaded_by_name(store, source_kind, [each.name for each in files])
        copies = copies_of([each for each in files if each.name not in known])
        for each in files:
            loaded = known.get(each.name)
            if loaded and loaded.etag == each.state.etag:
                plan.unchanged += 1
            elif each.name in copies:
                plan.copies += 1
                copied = copies[each.name]
                if copied is None or copied.source_id in read_on:
                    plan.unchanged += 1
                else:
                    read_on.add(copied.source_id)
                    plan.sources.append(_tail(source_kind, place, each, copied))
            elif each.unreadable:
                plan.unreadable.append((each.name, each.unreadable))
            elif loaded and loaded.source_id in read_on:
                plan.unchanged += 1  # a longer copy is read, and the next run looks again
            elif loaded and loaded.may_grow_to(each):
                read_on.add(loaded.source_id)
                plan.sources.append(_tail(source_kind, place, each, loaded))
            else:
                replaces = loaded.source_id if loaded else None
                if replaces is not None:
                    read_on.add(replaces)
                plan.sources.append(_whole((next_id, source_kind, place), each, replaces))
                next_id += 1
    return plan


def loaded_by_name(store: Store, source_kind: str, names: Sequence[str]) -> dict[str, Loaded]:
    """Return what the ledger knows of files, by their names in it. Reads: load_ledger."""
    rows = store.rows("extract/loaded_sources", source_kind=source_kind, names=names)
    return {name: Loaded(*rest) for name, *rest in rows}


def whole_again(store: Store, sources: Sequence[Source]) -> tuple[list[Source], list[tuple[str, str]]]:
    """Return sources that turned out to be replaced as ones to be read whole, and those that are gone by now.

    Reads: load_ledger.
    """
    next_id = store.rows("extract/last_source_id")[0][0] + 1
    made: list[Source] = []
    failed: list[tuple[str, str]] = []
    for source in sources:
        try:
            content, state = source.content.renewed()
        except OSError as error:
            failed.append((source.name, error.strerror or str(error)))
            continue
        whole = replace(
            source,
            source_id=next_id + len(made),
            content=content,
            etag=state.etag,
            size_bytes=state.size_bytes,
            start_byte=0,
            start_line=0,
            earlier_records=0,
            earlier_rejected=0,
            loaded_hashes=("", ""),
            replaces=source.source_id if source.start_byte else source.replaces,
        )
        made.append(whole)
    return made, failed


def _whole(head: tuple[int, str, str], listed: Listed, replaces: int | None) -> Source:
    return Source(
        *head,
        listed.name,
        listed.content,
        listed.state.etag,
        listed.state.size_bytes,
        replaces=replaces,
    )


def _tail(source_kind: str, place: str, listed: Listed, loaded: Loaded) -> Source:
    return Source(
        source_id=loaded.source_id,
        source_kind=source_kind,
        place=place,
        name=listed.name,
        content=listed.content,
        etag=listed.state.etag,
        size_bytes=listed.state.size_bytes,
        start_byte=loaded.loaded_bytes,
        start_line=loaded.lines,
        earlier_records=loaded.records,
        earlier_rejected=loaded.rejected,
        loaded_hashes=(loaded.head_hash, loaded.tail_hash),
    )
