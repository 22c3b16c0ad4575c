"""What goes to stdout in which form."""

import polars as pl
import pytest

from pipeline.cli.output import MOST_ROWS, Format, write


def test_a_table_shows_what_can_be_read_and_says_how_much_there_is(
    capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    frame = pl.DataFrame({"number": range(MOST_ROWS + 1)})
    write(frame, Format.TABLE)
    shown = [line.strip() for line in capsys.readouterr().out.splitlines()]
    assert shown.count(f"{MOST_ROWS - 1}") == 1
    assert f"{MOST_ROWS}" not in shown
    assert [record.getMessage() for record in caplog.records] == [
        f"The first {MOST_ROWS} of {MOST_ROWS + 1} rows; --format csv, json or parquet has all of them."
    ]
    write(frame, Format.CSV)
    assert len(capsys.readouterr().out.splitlines()) == 1 + MOST_ROWS + 1
    caplog.clear()
    write(frame.head(MOST_ROWS), Format.TABLE)
    assert f"{MOST_ROWS - 1}" in capsys.readouterr().out
    assert not caplog.records
