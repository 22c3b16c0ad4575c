"""Hands out the lines of many files as one stream of Arrow record batches, without a Python step per line.

A batch holds some mebibytes of text: `source_id`, `line`, `text`. The text column is the byte buffer that
the file was read into plus an array of offsets, so DuckDB parses the bytes in place. While they pass by, the
keys with a value in the text are counted: `transform.load` compares them with the values that arrived in the
table, and so learns of fields that it has no column for, without paying for it row by row.
"""

import gzip
import json
import zlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, BinaryIO

import nanoarrow
import numpy as np
from arro3.core import RecordBatch, RecordBatchReader, Schema

from pipeline.extract.ahead import Ahead
from pipeline.extract.buffers import BufferPool, Bytes, Integers
from pipeline.extract.fingerprint import Ends, fingerprint
from pipeline.extract.screen import evidence, screen
from pipeline.extract.source import ChangedError, Source, Tally, opened

BATCH_BYTES = 4 << 20
AHEAD_BYTES = 16 << 20
"""Bytes of sources that are fetched ahead of the one being read."""
BATCH_BLOCKS = 64
"""Blocks, so mostly small files, that are put together at the most."""
BATCHES_AHEAD = 2
"""Batches that are made while DuckDB works on one: with a single thread of its own it would wait for each."""
MAX_LINE_BYTES = 16 << 20
"""A power of two, as the sizes of buffers are."""
BOM = b"\xef\xbb\xbf"

_LINE = nanoarrow.struct(
    {"source_id": nanoarrow.int64(), "line": nanoarrow.int64(), "text": nanoarrow.string()},
)


def first_record(source: Source) -> dict[str, Any]:
    """Return the record on the first line that is to be read, as a hint; empty where there is none."""
    try:
        with opened(source.name, source.content, source.start_byte) as file:
            file.seek(source.start_byte)
            head = file.read(1 << 16)
    except (OSError, EOFError, zlib.error):
        return {}
    return _object(head.removeprefix(BOM).lstrip().split(b"\n", 1)[0]) or {}


def arrow_lines(source_id: int, lines: Sequence[tuple[int, str]]) -> Any:
    """Return (line, text) pairs of one source as the same kind of stream."""
    numbers, texts = zip(*lines, strict=True)
    columns = [
        nanoarrow.c_array([source_id] * len(lines), nanoarrow.int64()),
        nanoarrow.c_array(numbers, nanoarrow.int64()),
        nanoarrow.c_array(texts, nanoarrow.string()),
    ]
    batch = nanoarrow.c_array_from_buffers(_LINE, len(lines), [None], children=columns, null_count=0)
    return RecordBatchReader.from_batches(Schema.from_arrow(nanoarrow.c_schema(_LINE)), [RecordBatch.from_arrow(batch)])


def arrow_text(text: bytes) -> Any:
    """Return one UTF-8 text as a stream of one row, the column `text`, without copying it."""
    made = nanoarrow.struct({"text": nanoarrow.string()})
    offsets = np.array([0, len(text)], np.int32)
    column = nanoarrow.c_array_from_buffers(nanoarrow.string(), 1, [None, offsets, text], null_count=0)
    batch = nanoarrow.c_array_from_buffers(made, 1, [None], children=[column], null_count=0)
    return RecordBatchReader.from_batches(Schema.from_arrow(nanoarrow.c_schema(made)), [RecordBatch.from_arrow(batch)])


class LineStream:
    """The lines of some sources, once, as an Arrow stream.

    After the stream is read, `tallies` says what each source held and `deferred` which sources were left out
    because their keys are spelled another way (with that way). `interrupted` says that it was ended at the keyboard.

    Args:
        sources: what to read, in order.
        style_of: names the way in which a first record spells its keys, or "" if it isn't one of the known
            ways.
        style: hand out only sources of this style, and stop reading a source when something about it calls
            for the careful way (`Tally.suspect`); None hands out every line of every source.
        advance: called with the number of bytes read, for a progress bar.
    """

    def __init__(
        self,
        sources: Iterable[Source],
        style_of: Callable[[dict[str, Any]], str],
        style: str | None,
        advance: Callable[[int], None] = lambda _: None,
    ) -> None:
        self.tallies: dict[int, Tally] = {}
        self.deferred: list[tuple[Source, str]] = []
        self.interrupted = False
        self._sources = sources
        self._style_of = style_of
        self._style = style
        self._advance = advance
        self._pool = BufferPool()
        self._made: Ahead[Any] | None = None

    def arrow(self) -> Any:
        """Return the stream: anything that takes the Arrow C stream interface can read it, once, until `close`."""
        schema = Schema.from_arrow(nanoarrow.c_schema(_LINE))
        self._made = Ahead(self._batches(), BATCHES_AHEAD)
        return RecordBatchReader.from_batches(schema, self._handed_on(self._made))

    def close(self) -> None:
        """Read no further; returns when no source is being read."""
        if self._made:
            self._made.stop()

    def _handed_on(self, batches: Iterator[Any]) -> Iterator[Any]:
        try:
            yield from batches
        except KeyboardInterrupt:  # DuckDB makes an error of its own of it
            self.interrupted = True
            raise

    def _batches(self) -> Iterator[Any]:
        waiting: list[tuple[Integers, Integers, Bytes, Integers, Integers | None]] = []
        size = 0
        for source in _begun(self._sources):
            tally = self.tallies[source.source_id] = Tally()
            for block, ends, first_line in self._blocks(source, tally):
                valid = screen(block, ends, first_line, tally, self._pool, quick=self._style is not None)
                if tally.suspect:
                    break
                numbers = np.arange(first_line, first_line + len(ends), dtype=np.int64)
                waiting.append((np.full(len(ends), source.source_id, np.int64), numbers, block, ends, valid))
                size += len(block)
                if size >= BATCH_BYTES // 2 or len(waiting) == BATCH_BLOCKS:
                    yield _batch(waiting)
                    waiting, size = [], 0
            source.content.release()
            if tally.suspect == "deferred":
                del self.tallies[source.source_id]
                self.deferred.append((source, tally.style))
        if waiting:
            yield _batch(waiting)

    def _blocks(self, source: Source, tally: Tally) -> Iterator[tuple[Bytes, Integers, int]]:
        """Yield (bytes that end with a newline, offsets behind each newline, number of the first line)."""
        try:
            with opened(source.name, source.content, source.start_byte) as file:
                if source.start_byte and fingerprint(file, source.start_byte) != source.loaded_hashes:
                    tally.failure = "it no longer begins as it did"
                    tally.replaced = True
                    return
                file.seek(source.start_byte)
                yield from self._read(file, source, tally)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            tally.damaged = f"the gzip stream is cut or damaged ({error})"
            tally.suspect = "" if self._style is None else "damaged"
        except ChangedError as error:
            tally.failure = str(error)
            tally.replaced = True
        except OSError as error:
            tally.failure = error.strerror or str(error)

    def _read(self, file: BinaryIO, source: Source, tally: Tally) -> Iterator[tuple[Bytes, Integers, int]]:
        buffer = self._pool.take(min(BATCH_BYTES, _left(source, source.start_byte)))
        filled = 0
        line = source.start_line + 1
        consumed = source.start_byte
        ends = Ends()
        while count := _fill(file, buffer, filled, ends):
            self._advance(count)
            filled += count
            if skip := _to_skip(file, buffer[:filled], consumed, source):
                consumed, filled = consumed + skip, filled - skip
                buffer = self._moved(buffer[skip : skip + filled], source, consumed)
            newlines = np.concatenate(list(self._pool.places(buffer[:filled], "\n")))
            if not len(newlines):
                if filled >= MAX_LINE_BYTES:
                    self._note_long(line, buffer[:filled], tally)
                    consumed, buffer, filled = self._skip_line(file, source, consumed + filled, ends)
                    line += 1
                    tally.lines += 1
                elif filled == len(buffer):
                    buffer = self._moved(buffer, source, consumed)
                continue
            end = int(newlines[-1]) + 1
            if not tally.style and not self._recognise(buffer[:end], newlines, tally):
                return
            yield buffer[:end], newlines + 1, line
            line += len(newlines)
            tally.lines += len(newlines)
            consumed += end
            filled -= end
            buffer = self._moved(buffer[end : end + filled], source, consumed)
        if filled:
            block = self._last_line(buffer[:filled], source, tally, whole=not consumed)
            if block is not None:
                yield block, np.array([len(block)]), line
                tally.lines += 1
                consumed += filled
                filled = 0
        tally.loaded_bytes = consumed
        tally.pending_bytes = filled
        is_first_pass = source.compressed and not source.start_byte
        tally.head_hash, tally.tail_hash = ends.fingerprint if is_first_pass else fingerprint(file, consumed)

    def _last_line(self, text: Bytes, source: Source, tally: Tally, *, whole: bool) -> Bytes | None:
        """Return a last line that lacks its newline, if nothing more can come or nothing is missing."""
        if source.compressed or _is_whole_record(text):
            if tally.style or self._recognise(text, np.array([len(text)]), tally):
                return np.append(text, np.uint8(ord("\n")))
        elif whole and self._style is not None:
            tally.suspect = "no line ends"
        return None

    def _moved(self, rest: Bytes, source: Source, consumed: int) -> Bytes:
        """Return another buffer that begins with the bytes left over; the old one now belongs to a batch.

        Args:
            rest: the bytes.
            source: where they are from.
            consumed: bytes of the source before them.
        """
        size = max(2 * len(rest), min(BATCH_BYTES, len(rest) + _left(source, consumed + len(rest))))
        # never longer than the longest line: a longer one then fills the buffer without a newline
        buffer = self._pool.take(min(size, MAX_LINE_BYTES))
        buffer[: len(rest)] = rest
        return buffer

    def _recognise(self, block: Bytes, newlines: Integers, tally: Tally) -> bool:
        """Find out how the source spells its keys; False ends the quick reading of it."""
        if self._style is None:
            tally.style = "any"
            return True
        start = 0
        for end in newlines[:5].tolist():
            record = _object(block[start:end].tobytes())
            if record is not None:
                tally.style = self._style_of(record) or "mixed"
                break
            start = end + 1
        if not tally.style:
            tally.suspect = "no record in the first lines"
        elif tally.style == "mixed":
            tally.suspect = "keys of an unknown style"
        elif tally.style != self._style:
            tally.suspect = "deferred"
        return not tally.suspect

    def _note_long(self, line: int, beginning: Bytes, tally: Tally) -> None:
        """Keep the beginning of a line that is too long to be a record as evidence."""
        tally.flawed.append((line, f"longer than {MAX_LINE_BYTES:,} bytes", evidence(beginning)))
        if self._style is not None:
            tally.suspect = "a line is too long"

    def _skip_line(self, file: BinaryIO, source: Source, consumed: int, ends: Ends) -> tuple[int, Bytes, int]:
        """Read on to the end of a line; return the bytes consumed, and a buffer with how many of the next line."""
        buffer = self._pool.take(BATCH_BYTES)
        while count := _fill(file, buffer, 0, ends):
            self._advance(count)
            newlines = np.flatnonzero(buffer[:count] == ord("\n"))
            if len(newlines):
                end = int(newlines[0]) + 1
                consumed += end
                return consumed, self._moved(buffer[end:count], source, consumed), count - end
            consumed += count
        return consumed, buffer, 0


def _begun(sources: Iterable[Source]) -> Iterator[Source]:
    """Yield the sources, some of them being fetched already while those before them are read."""
    ahead: deque[tuple[Source, int]] = deque()
    held = 0
    for source in sources:
        ahead.append((source, source.content.begin(source.start_byte)))
        held += ahead[-1][1]
        while held > AHEAD_BYTES or not ahead[-1][1]:
            begun, size = ahead.popleft()
            held -= size
            yield begun
            if not ahead:
                break
    yield from (source for source, _ in ahead)


def _fill(file: BinaryIO, buffer: Bytes, start: int, ends: Ends) -> int:
    """Read into a buffer from a place on; return how many bytes came. Of a compressed file the ends are noted."""
    if isinstance(file, gzip.GzipFile):
        data = file.read1(len(buffer) - start)  # readinto would lose what comes before a damaged place
        buffer[start : start + len(data)] = np.frombuffer(data, np.uint8)
        ends.add(data)
        return len(data)
    return int(file.readinto(buffer.data[start:]))  # type: ignore[attr-defined]


def _left(source: Source, consumed: int) -> int:
    """Return how many bytes of a source to expect, and one more, to find its end without another buffer."""
    return BATCH_BYTES if source.compressed else max(0, source.size_bytes - consumed) + 1


def _to_skip(file: BinaryIO, beginning: Bytes, consumed: int, source: Source) -> int:
    """Return how many bytes before the first line belong to none.

    They are a byte order mark, or the newline of a line that was loaded before its newline came.
    """
    if consumed == 0 and beginning[: len(BOM)].tobytes() == BOM:
        return len(BOM)
    if consumed and consumed == source.start_byte:
        place = file.tell()
        file.seek(consumed - 1)
        before = file.read(1)
        file.seek(place)
        if before != b"\n":
            return {b"\r\n": 2, b"\n": 1}.get(beginning[:2].tobytes(), int(beginning[0] == ord("\n")))
    return 0


def _is_whole_record(text: Bytes) -> bool:
    """Whether a last line without a newline is complete: no proper beginning of a JSON object is valid."""
    return _object(text.tobytes()) is not None


def _object(text: bytes) -> dict[str, Any] | None:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _batch(parts: list[tuple[Integers, Integers, Bytes, Integers, Integers | None]]) -> Any:
    """Put blocks together into one record batch."""
    ids, lines, blocks, ends, valids = zip(*parts, strict=True)
    shifts = np.cumsum([0] + [len(block) for block in blocks[:-1]])
    rows = sum(len(each) for each in ends)
    offsets = np.zeros(rows + 1, np.int32)
    offsets[1:] = np.concatenate([each + shift for each, shift in zip(ends, shifts, strict=True)])
    validity, nulls = None, 0
    if any(valid is not None for valid in valids):
        flags = np.concatenate(
            [np.ones(len(each), bool) if valid is None else valid for valid, each in zip(valids, ends, strict=True)],
        )
        validity, nulls = np.packbits(flags, bitorder="little"), int((~flags).sum())
    text = nanoarrow.c_array_from_buffers(
        nanoarrow.string(),
        rows,
        [validity, offsets, _joined(blocks)],
        null_count=nulls,
    )
    columns = [
        nanoarrow.c_array_from_buffers(nanoarrow.int64(), rows, [None, _joined(ids)], null_count=0),
        nanoarrow.c_array_from_buffers(nanoarrow.int64(), rows, [None, _joined(lines)], null_count=0),
        text,
    ]
    return RecordBatch.from_arrow(
        nanoarrow.c_array_from_buffers(_LINE, rows, [None], children=columns, null_count=0),
    )


def _joined(arrays: tuple[Any, ...]) -> Any:
    return arrays[0] if len(arrays) == 1 else np.concatenate(arrays)
