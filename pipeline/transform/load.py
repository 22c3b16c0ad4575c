"""Lines of log files -> access_log, rejected_record and load_ledger, exactly once.

The quick way parses every line in place with one structure for a whole file, and counts. Where the counts say
that something in a file was not understood (a bad line, a field without a column, keys of mixed spelling, an
envelope, a blank in an odd place), that file's rows are taken out again and it goes the careful way, which
looks at each line's shape. Both ways end in the same two queries, so they can't disagree about a record.

One round of files is one transaction with its ledger rows: killing the process leaves all of a round or
nothing of it, and the next run reads what is missing.
"""

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from pipeline import addresses
from pipeline.errors import MalformedJsonError
from pipeline.extract.lines import RAW_CHARACTERS, LineStream, open_source
from pipeline.extract.source import Source, Tally
from pipeline.store import Store
from pipeline.tables import ACCESS_LOG, ADDRESS, LOAD_LEDGER, REJECTED_RECORD, Column, Table
from pipeline.transform import rollup
from pipeline.transform.record import STYLES, spellings, structure, style_of

MAX_DOCUMENT_BYTES = 256 << 20

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


@dataclass(slots=True)
class Outcome:
    """What one or more rounds did."""

    files: int = 0
    records: int = 0
    rejected: int = 0
    pending_bytes: int = 0
    careful: dict[str, str] = field(default_factory=dict)
    failed: list[tuple[str, str]] = field(default_factory=list)

    def add(self, other: "Outcome") -> None:
        """Add the figures of another round."""
        self.files += other.files
        self.records += other.records
        self.rejected += other.rejected
        self.pending_bytes += other.pending_bytes
        self.careful |= other.careful
        self.failed += other.failed


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
    while True:
        try:
            with store.transaction():
                return _Round(store, sources, advance).run(suspects, loaded_at)
        except MalformedJsonError:
            found = _malformed(store, [source for source in sources if source.source_id not in suspects])
            if not found:
                raise
            suspects |= dict.fromkeys(found, "a line is not valid JSON")


def _malformed(store: Store, sources: Sequence[Source]) -> list[int]:
    """Return the sources with a line that made the quick way fail."""
    stream = LineStream(sources, style_of, None)
    with store.view("line_text", stream.arrow()):
        return [row[0] for row in store.rows("transform/sources_with_malformed_lines")]


class _Round:
    def __init__(self, store: Store, sources: Sequence[Source], advance: Callable[[int], None]) -> None:
        self.store = store
        self.sources = {source.source_id: source for source in sources}
        self.advance = advance
        self.tallies: dict[int, Tally] = {}

    def run(self, suspects: dict[int, str], loaded_at: datetime) -> Outcome:
        replaced = [source.replaces for source in self.sources.values() if source.replaces is not None]
        hours = rollup.hours_of(self.store, replaced)
        for table in (ACCESS_LOG, REJECTED_RECORD, LOAD_LEDGER):
            if replaced:
                self.store.delete_sources(table, replaced)
        self._read_quickly([source for source in self.sources.values() if source.source_id not in suspects])
        careful = suspects | self._misunderstood()
        if careful:
            self._remove(careful)
            self._read_carefully([self.sources[source_id] for source_id in careful])
        failed = [source_id for source_id, tally in self.tallies.items() if tally.failure]
        if failed:
            self._remove(failed)
        outcome = self._write_ledger(loaded_at)
        outcome.careful = {self.sources[source_id].name: reason for source_id, reason in careful.items()}
        read = [source_id for source_id in self.sources if source_id not in failed]
        self._write_addresses(read)
        hours += self.store.rows("transform/hours_of_loading", **self._loading(read))
        rollup.refresh(self.store, {row[0] for row in hours})
        return outcome

    def _read_quickly(self, sources: Sequence[Source]) -> None:
        """Insert what can be read in place, one spelling of keys after the other."""
        style = next(iter(STYLES))
        while sources:
            stream = LineStream(sources, style_of, style, self.advance)
            with self.store.view("line_text", stream.arrow()):
                self.store.append(
                    ACCESS_LOG,
                    "transform/records_of_lines",
                    structure=structure(style),
                    unknown_paths=[],
                )
            self.tallies |= stream.tallies
            sources = [source for source, _ in stream.deferred]
            if stream.deferred:
                style = stream.deferred[0][1]

    def _misunderstood(self) -> dict[int, str]:
        """Return the sources whose rows don't account for all that was in their lines, with the reason."""
        arrived = {
            row[0]: row[1:] for row in self.store.rows("transform/loaded_records", **self._loading(self.tallies))
        }
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

    def _read_carefully(self, sources: list[Source]) -> None:
        with self.store.temporary(_STAGED_LINE):
            by_line = [source for source in sources if not self._stage_document(source)]
            stream = LineStream(by_line, style_of, None)
            with self.store.view("line_text", stream.arrow()):
                self.store.append(_STAGED_LINE, "transform/staged_lines")
            self.tallies |= stream.tallies
            shapes = [row[0] for row in self.store.rows("transform/line_shapes")]
            for spelling in spellings(shapes):
                structured = spelling.structure()
                with self.store.scratch(
                    "judged_line",
                    "transform/judged_lines",
                    shapes=spelling.shapes,
                    structure=structured,
                ):
                    self.store.append(REJECTED_RECORD, "transform/rejected_lines")
                    with self.store.scratch("line_text", "transform/accepted_lines"):
                        self.store.append(
                            ACCESS_LOG,
                            "transform/records_of_lines",
                            structure=structured,
                            unknown_paths=spelling.unknown_paths(),
                        )
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
        records = {row[0]: row[1] for row in self.store.rows("transform/loaded_records", **loading)}
        rejected = dict(self.store.rows("transform/rejected_counts", **loading))
        for source_id, staged in self.store.rows("transform/staged_counts"):
            kept = records.get(source_id, 0) + rejected.get(source_id, 0)
            if kept != staged:
                name = self.sources[source_id].name
                raise AssertionError(f"{name}: {staged} lines but {kept} records and rejects")

    def _stage_document(self, source: Source) -> bool:
        """Stage a file that is one JSON array or object; False where it is lines."""
        text = _document(source)
        if text is None:
            return False
        if self.store.rows("transform/document_is_valid", text=text)[0][0]:
            with self.store.scratch(
                "line_text",
                "transform/document_lines",
                source_id=source.source_id,
                text=text,
            ) as count:
                self.store.append(_STAGED_LINE, "transform/staged_lines")
            self.tallies[source.source_id] = Tally(lines=count, records=count, loaded_bytes=source.size_bytes)
            return True
        if not text.lstrip().startswith("["):
            return False
        flaw = (0, "the file is one JSON array, cut or malformed", text[:RAW_CHARACTERS])
        self.tallies[source.source_id] = Tally(loaded_bytes=source.size_bytes, flawed=[flaw])
        return True

    def _write_ledger(self, loaded_at: datetime) -> Outcome:
        loading = self._loading(self.sources)
        records = {row[0]: row[1] for row in self.store.rows("transform/loaded_records", **loading)}
        rejected = dict(self.store.rows("transform/rejected_counts", **loading))
        rows = []
        outcome = Outcome()
        for source_id, source in self.sources.items():
            tally = self.tallies[source_id]
            if tally.failure:
                outcome.failed.append((source.name, tally.failure))
                continue
            new, refused = records.get(source_id, 0), rejected.get(source_id, 0)
            rows.append(
                (
                    source_id, source.source_kind, source.name, source.etag, source.size_bytes,
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

    def _write_addresses(self, source_ids: Sequence[int]) -> None:
        rows = []
        for (text,) in self.store.rows("transform/new_addresses", **self._loading(source_ids)):
            address = addresses.read(text)
            rows.append((text, address.canonical, address.version, address.network))
        self.store.append_rows(ADDRESS, sorted(rows))

    def _remove(self, source_ids: "Sequence[int] | dict[int, str]") -> None:
        loading = self._loading(source_ids)
        self.store.delete(ACCESS_LOG, "transform/rowids_of_loading", **loading)
        self.store.delete(REJECTED_RECORD, "transform/rowids_of_rejected", **loading)

    def _loading(self, source_ids: "object") -> dict[str, list[int]]:
        ids = list(source_ids)  # type: ignore[call-overload]
        return {"source_ids": ids, "start_lines": [self.sources[source_id].start_line for source_id in ids]}


def _document(source: Source) -> str | None:
    """Return the text of a file that is likely one JSON document; None where it is likely lines."""
    if source.start_byte or source.size_bytes > MAX_DOCUMENT_BYTES:
        return None
    try:
        with open_source(source) as file:
            head = file.read(1 << 16).removeprefix(b"\xef\xbb\xbf").lstrip()
            first = head.split(b"\n", 1)[0].rstrip()
            if not (head.startswith(b"[") or (head.startswith(b"{") and not first.endswith(b"}"))):
                return None
            file.seek(0)
            data = file.read(MAX_DOCUMENT_BYTES + 1)
    except (OSError, EOFError, zlib.error):
        return None  # the line reader will say what is wrong
    if len(data) > MAX_DOCUMENT_BYTES:
        return None
    return data.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "backslashreplace")
