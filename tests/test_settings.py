"""Where a setting comes from, and what a wrong one is told."""

from pathlib import Path

import pytest

from pipeline.errors import SettingsError
from pipeline.settings import Settings, load


def test_flags_go_before_variables_before_the_file(tmp_path: Path) -> None:
    config = tmp_path / "nsp.toml"
    config.write_text('[store]\npath = "a"\nmemory = "1GB"\n[recommend]\nreserve = 5\nrule_cost = 64\n')
    found = load(config, {"NSP_RECOMMEND_RESERVE": "7", "NSP_STORE_PATH": "b"}, {"store": Path("c")})
    assert (found.store, found.memory, found.reserve, found.rule_cost) == (Path("c"), "1GB", 7, 64.0)


def test_switches_are_true_or_false(tmp_path: Path) -> None:
    config = tmp_path / "nsp.toml"
    config.write_text("[recommend]\nservice_tags = true\n")
    found = load(config, {"NSP_RECOMMEND_MEMBERSHIPS": "False"}, {})
    assert (found.service_tags, found.memberships) == (True, False)
    with pytest.raises(SettingsError, match="NSP_RECOMMEND_SERVICE_TAGS must be true or false, not '1'"):
        load(None, {"NSP_RECOMMEND_SERVICE_TAGS": "1"}, {})


def test_defaults_need_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert load(None, {}, {"store": None}) == Settings()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[recommend]\nreserv = 1\n", "Did you mean recommend.reserve"),
        ("[recommend]\nreserve = 'x'\n", "must be a whole number"),
        ("[recommend]\nreserve = 1.5\n", "must be a whole number"),
        ("[recommend]\nreserve = true\n", "must be a whole number"),
        ("[recommend]\nreserve = 200\n", "must lie between"),
        ("[recommend]\nmax_elements = 201\n", "must lie between"),
        ("[recommend\n", "is no TOML"),
    ],
)
def test_wrong_file_says_what_to_mend(tmp_path: Path, text: str, told: str) -> None:
    config = tmp_path / "nsp.toml"
    config.write_text(text)
    with pytest.raises(SettingsError, match=told):
        load(config, {}, {})


def test_wrong_variable_and_missing_file(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="NSP_RECOMMEND_RULE_COST must be a number"):
        load(None, {"NSP_RECOMMEND_RULE_COST": "much"}, {})
    with pytest.raises(SettingsError, match="isn't there"):
        load(tmp_path / "no.toml", {}, {})
