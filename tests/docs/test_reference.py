"""The pages that are written from the code say what the code says today."""

from dataclasses import fields

import pytest

from pipeline import errors, sql
from pipeline.errors import EXIT_CODES, NspError
from pipeline.settings import Settings
from tests.docs.reference import DOCS, PAGES, commands, exit_codes, queries, settings


@pytest.mark.parametrize("name", PAGES)
def test_page_is_current(name: str) -> None:
    assert (DOCS / name).read_text(encoding="utf-8") == PAGES[name](), "run `make docs`"


def test_every_query_that_is_offered_has_its_columns_and_parameters() -> None:
    page = queries()
    for each in (sql.load(name) for name in sql.names() if not name.startswith(sql.INTERNAL)):
        _, _, rest = page.partition(f"### {each.name}\n")
        section = rest.split("\n##")[0]
        assert each.description in section
        assert "- Columns: `" in section
        assert all(f"`{parameter}`" in section for parameter in each.parameters)
    assert "null for all" not in page, "that is said to SQL"


def test_every_setting_has_its_variable_default_and_meaning() -> None:
    page = settings()
    for each in fields(Settings):
        key = each.metadata["key"]
        (row,) = [line for line in page.splitlines() if f"`{key}`" in line]
        cells = [cell.strip() for cell in row.strip("|").split(" | ")]
        assert "NSP_" + key.replace(".", "_").upper() in cells[0]
        assert all(cells[number] for number in (1, 3)), row
    assert "| `10` | 0 to 199 |" in page


def test_every_error_carries_a_code_that_is_explained() -> None:
    page = exit_codes()
    kinds = [each for each in vars(errors).values() if isinstance(each, type) and issubclass(each, NspError)]
    assert {each.exit_code for each in kinds} <= set(EXIT_CODES)
    assert all(f"\n| {code} | {meaning} |" in page for code, meaning in EXIT_CODES.items())
    assert "| `nsp recommend` |" in page


def test_commands_are_told_in_whole_sentences() -> None:
    page = commands()
    assert "\n### `nsp decide accept`\n" in page
    assert not [line for line in page.splitlines() if line.startswith("* `") and line.endswith("...")]


def test_commands_hold_no_html_of_typer() -> None:
    assert "<span" not in commands()
