"""Lines of log files -> access_log, rejected_record and load_ledger, exactly once.

The quick way parses every line in place with one structure for a whole file, and counts. Where the counts say
that something in a file was not understood (a bad line, a field without a column, keys of mixed spelling, an
envelope, a blank in an odd place), that file's rows are taken out again and it goes the careful way, which
looks at each line's shape. Both ways end in the same query, so they can't disagree about a record.

One round of files is one transaction with its ledger rows: killing the process leaves all of a round or
nothing of it, and the next run reads what is missing.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from itertools import islice

from pipeline.errors import MalformedJsonError, StoreError
from pipeline.extract import document
from pipeline.extract.lines import LineStream, arrow_lines, first_record
from pipeline.extract.outcome import Outcome
from pipeline.extract.source import Source, Tally
from pipeline.store import Store
from pipeline.tables import ACCESS_LOG, LOAD_LEDGER, REJECTED_RECORD, Column, Table
from pipeline.transform import arrival
from pipeline.transform.record import STYLES, spellings, structure, style_of, value_at

DOCUMENT_BATCH = 20_000
"""Elements of a document that are staged at once."""

_STAGED_LINE = Table(
    "staged_line",
    "one row a line on the careful way",
    (
        Column("source_id", "BIGINT", "The source.", True),
        Column("line", "BIGINT", "Line, or ordinal in a document.", True),
        Column("text", "VARCHAR", "The JSON text.", True),
        Column("shape", "VARCHAR", "Its json_structure; null where it is no JSON."),
    ),
)


def load_round(
    store: Store,
    sources: Sequence[Source],
    loaded_at: datetime,
    advance: Callable[[int], None] = lambda _: None,
) -> Outcome:
    """Load some sources in one transaction: records, rejects, ledger and flows.

    Reads and writes: access_log, rejected_record, load_ledger, address, traffic.

    Args:
        store: the warehouse.
        sources: what `extract` found to be new.
        loaded_at: goes to the ledger, UTC.
        advance: called with the number of bytes read.
    """
    suspects: dict[int, str] = {}
    try:
        while True:
            try:
                with store.transaction():
                    return _Round(store, sources, advance).run(suspects, loaded_at)
            except MalformedJsonError:
                rest = [source for source in sources if source.source_id not in suspects]
                if not rest:
                    raise
                # none at all would be found where only the quick way, which respells keys, can't read a line
                found = _malformed(store, rest) or [source.source_id for source in rest]
                suspects |= dict.fromkeys(found, "a line is not valid JSON")
    finally:
        for source in sources:
            source.content.release()


def _malformed(store: Store, sources: Sequence[Source]) -> list[int]:
    """Return the sources with a line that made the quick way fail."""
    stream = LineStream(sources, style_of, None)
    with _handed_out(store, stream):
        return [row[0] for row in store.rows("transform/sources_with_malformed_lines")]


@contextmanager
def _handed_out(store: Store, stream: LineStream) -> Iterator[None]:
    """Have the lines of a stream readable as line_text for the length of the block."""
    try:
        with store.view("line_text", stream.arrow()):
            yield
    except StoreError:
        if stream.interrupted:
            raise KeyboardInterrupt from None
        raise
    finally:
        stream.close()


class _Round:
    def __init__(self, store: Store, sources: Sequence[Source], advance: Callable[[int], None]) -> None:
        self.store = store
        self.sources = {source.source_id: source for source in sources}
        self.advance = advance
        self.tallies: dict[int, Tally] = {}
        self.unfinished: set[int] = set()
        self.records: dict[int, int] = {}
        self.hints = _hints(sources[0])

    def run(self, suspects: dict[int, str], loaded_at: datetime) -> Outcome:
        self._read_quickly([source for source in self.sources.values() if source.source_id not in suspects])
        careful = suspects | self._misunderstood()
        if careful:
            self._remove(careful)
            self._read_carefully([self.sources[source_id] for source_id in careful])
        failed = [source_id for source_id, tally in self.tallies.items() if tally.failure]
        if failed:
            self._remove(failed)
        replaced = [
            source.replaces
            for source in self.sources.values()
            if source.replaces is not None and source.source_id not in failed
        ]
        hours = arrival.drop(self.store, replaced)
        outcome = self._write_ledger(loaded_at)
        outcome.careful = {self.sources[source_id].name: reason for source_id, reason in careful.items()}
        read = {key: source.start_line for key, source in self.sources.items() if key not in failed}
        arrival.settle(self.store, read, hours)
        return outcome

    def _read_quickly(self, sources: Sequence[Source]) -> None:
        """Insert what can be read in place, one spelling of keys after the other."""
        style = next(iter(STYLES))
        while sources:
            stream = LineStream(sources, style_of, style, self.advance)
            with _handed_out(self.store, stream):
                self.store.append(
                    ACCESS_LOG,
                    "transform/records_of_lines",
                    structure=structure(style),
                    unknown_paths=[],
                    unknown_names=[],
                    **self.hints,
                )
            self.tallies |= stream.tallies
            sources = [source for source, _ in stream.deferred]
            if stream.deferred:
                style = stream.deferred[0][1]

    def _misunderstood(self) -> dict[int, str]:
        """Return the sources whose rows don't account for all that was in their lines, with the reason."""
        arrived = self._arrived(self.tallies)
        found = {}
        for source_id, tally in self.tallies.items():
            records, whole, keys = arrived.get(source_id, (0, 0, 0))
            if tally.suspect:
                found[source_id] = tally.suspect
            elif tally.failure:
                continue
            elif not records == whole == tally.records:
                found[source_id] = f"{tally.records - whole:,} of {tally.records:,} lines are no record"
            elif keys != tally.keys:
                found[source_id] = f"{tally.keys:,} JSON keys, of which {keys:,} went to columns"
        return found

    def _arrived(self, source_ids: Iterable[int]) -> dict[int, tuple[int, int, int]]:
        """Return and remember what of some sources is in the table: records, whole ones, keys with a value."""
        loading = self._loading(source_ids)
        arrived = {row[0]: row[1:] for row in self.store.rows("transform/loaded_records", **loading)}
        self.records |= {source_id: arrived.get(source_id, (0,))[0] for source_id in loading["source_ids"]}
        return arrived

    def _read_carefully(self, sources: list[Source]) -> None:
        with self.store.temporary(_STAGED_LINE):
            by_line = []
            for source in sources:
                if not self._stage_document(source):
                    by_line.append(source)
                source.content.release()
            stream = LineStream(by_line, style_of, None)
            with _handed_out(self.store, stream):
                self.store.append(_STAGED_LINE, "transform/staged_lines")
            self.tallies |= stream.tallies
            for source_id in self.unfinished:
                self.tallies[source_id].head_hash = ""
            self._open_malformed()
            shapes = [row[0] for row in self.store.rows("transform/line_shapes")]
            for spelling in spellings(shapes):
                structured = spelling.structure()
                with self.store.scratch(
                    "judged_line",
                    "transform/judged_lines",
                    shapes=spelling.shapes,
                    structure=structured,
                    objects=spelling.objects(),
                ):
                    self.store.append(REJECTED_RECORD, "transform/rejected_lines")
                    with (
                        self.store.scratch("line_text", "transform/accepted_lines"),
                        self.store.scratch(
                            "record_of_line",
                            "transform/records_of_lines",
                            structure=structured,
                            unknown_paths=spelling.unknown_paths(),
                            unknown_names=spelling.unknown_names(),
                            **self.hints,
                        ),
                    ):
                        self.store.append(ACCESS_LOG, "transform/records_without_blanks")
            self.store.append(REJECTED_RECORD, "transform/unparseable_lines")
            self._check_nothing_lost(sources)
        rejected = []
        for source in sources:
            tally = self.tallies[source.source_id]
            if tally.damaged:
                tally.flawed.append((tally.lines + 1, tally.damaged, ""))
            rejected += [(source.source_id, *flaw) for flaw in tally.flawed]
        self.store.append_rows(REJECTED_RECORD, rejected)

    def _check_nothing_lost(self, sources: list[Source]) -> None:
        loading = self._loading(source.source_id for source in sources)
        records = self._arrived(loading["source_ids"])
        rejected = dict(self.store.rows("transform/rejected_counts", **loading))
        for source_id, staged in self.store.rows("transform/staged_counts"):
            kept = records.get(source_id, (0,))[0] + rejected.get(source_id, 0)
            if kept != staged:
                name = self.sources[source_id].name
                raise AssertionError(f"{name}: {staged} lines but {kept} records and rejects")

    def _stage_document(self, source: Source) -> bool:
        """Stage a file that is one JSON array, envelope or object; False where it is lines."""
        text = document.text_of(source)
        if text is None:
            return False
        elements = document.Elements(text)
        if not elements.has_array:
            if not document.is_json(text):
                self.unfinished.add(source.source_id)  # perhaps an envelope that is still being written
                return False
            self._stage(source, [(1, text)])
            self.tallies[source.source_id] = Tally(lines=1, records=1, loaded_bytes=source.size_bytes)
            return True
        count = 0
        walk = iter(elements)
        while part := list(islice(walk, DOCUMENT_BATCH)):
            self._stage(source, part)
            count += len(part)
        self.tallies[source.source_id] = Tally(count, count, loaded_bytes=source.size_bytes, flawed=elements.flaws)
        return True

    def _open_malformed(self) -> None:
        """Stage the elements of arrays and envelopes that DuckDB can't read whole in the place of their lines."""
        after, most = -1, 100
        while lines := list(self.store.rows("transform/malformed_documents", after=after, most=most)):
            opened = []
            for rowid, source_id, line, text in lines:
                elements = document.Elements(text)
                if elements.has_array:
                    self._stage(self.sources[source_id], [(line, element) for _, element in elements])
                    self.tallies[source_id].flawed += [(line, reason, raw) for _, reason, raw in elements.flaws]
                    opened.append(rowid)
            self.store.delete(_STAGED_LINE, "transform/rowids_of_opened", rowids=opened)
            after = lines[-1][0]

    def _stage(self, source: Source, elements: Sequence[tuple[int, str]]) -> None:
        if not elements:
            return
        with self.store.view("line_text", arrow_lines(source.source_id, elements)):
            self.store.append(_STAGED_LINE, "transform/staged_lines")

    def _write_ledger(self, loaded_at: datetime) -> Outcome:
        rejected = dict(self.store.rows("transform/rejected_counts", **self._loading(self.sources)))
        rows = []
        outcome = Outcome()
        for source_id, source in self.sources.items():
            tally = self.tallies[source_id]
            if tally.replaced:
                outcome.replaced.append(source)
            elif tally.failure:
                outcome.failed.append((source.name, tally.failure))
            if tally.failure:
                continue
            new, refused = self.records.get(source_id, 0), rejected.get(source_id, 0)
            rows.append(
                (
                    source_id, source.source_kind, source.place, source.name, source.etag, source.size_bytes,
                    tally.loaded_bytes, tally.pending_bytes, source.start_line + tally.lines,
                    source.earlier_records + new, source.earlier_rejected + refused,
                    tally.head_hash, tally.tail_hash, loaded_at,
                ),
            )  # fmt: skip
            outcome.files += 1
            outcome.records += new
            outcome.rejected += refused
            outcome.pending_bytes += tally.pending_bytes
        continued = [source.source_id for source in self.sources.values() if source.start_byte]
        if continued:
            failed = {source_id for source_id in continued if self.tallies[source_id].failure}
            self.store.delete_sources(LOAD_LEDGER, set(continued) - failed)
        self.store.append_rows(LOAD_LEDGER, rows)
        return outcome

    def _remove(self, source_ids: Iterable[int]) -> None:
        loading = self._loading(source_ids)
        self.store.delete(ACCESS_LOG, "transform/rowids_of_loading", **loading)
        self.store.delete(REJECTED_RECORD, "transform/rowids_of_rejected", **loading)

    def _loading(self, source_ids: Iterable[int]) -> dict[str, list[int]]:
        return arrival.loading({source_id: self.sources[source_id].start_line for source_id in source_ids})


def _hints(source: Source) -> dict[str, str | None]:
    record = first_record(source)
    return {
        "first_perimeter": value_at(record, "resourceId"),
        "first_service": value_at(record, "properties.serviceResourceId"),
    }
