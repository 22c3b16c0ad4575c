"""Where a setting comes from, and what a wrong one is told."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import SettingsError, UsageError
from pipeline.places import AccountFlags, AccountSettings, accounts_asked_for, workspaces_asked_for
from pipeline.settings import Settings, examine, load


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


A, B = "https://a.blob.core.windows.net", "https://b.blob.core.windows.net"
ID = "5f0c2a1e-7d34-4b6a-9a51-c0ffee000001"


def examined(folder: Path, text: str, **variables: str) -> tuple[Settings, dict[str, str]]:
    (folder / "nsp.toml").write_text(text)
    settings, problems = examine(folder / "nsp.toml", variables, {})
    assert len({each.key for each in problems}) == len(problems), "a key is told of once"
    return settings, {each.key: each.text for each in problems}


def test_one_table_is_a_list_of_one(tmp_path: Path) -> None:
    keys = f'account_url = "{A}"\nconcurrency = 4\n'
    single, _ = examined(tmp_path, f"[blob]\n{keys}", NSP_BLOB_CONCURRENCY="5")
    listed, _ = examined(tmp_path, f"[[blob]]\n{keys}", NSP_BLOB_CONCURRENCY="5")
    assert single == listed
    assert [(each.account_url, each.concurrency, each.name) for each in listed.accounts] == [(A, 5, "")]
    assert examined(tmp_path, "[blob]\nconcurrency = 4\n")[0].accounts == (), "nothing says where the logs are"
    assert examined(tmp_path, "blob = []\n") == (Settings(), {})
    assert examined(tmp_path, "", NSP_BLOB_ACCOUNT_URL=A)[0].accounts[0].account_url == A


def test_several_have_keys_and_secrets_of_their_own(tmp_path: Path) -> None:
    text = f"""
    [[blob]]
    account_url = "{A}"
    sas_env = "SAS_A"
    concurrency = 2
    [[blob]]
    name = "the-other"
    account_url = "{A}"
    container_prefix = "insights-logs-nspx"
    [[blob]]
    connection_string_env = "LOGS"
    [[blob]]
    secret_file = "/etc/nsp/a secret"
    [[workspace]]
    id = "{ID}"
    audit_days = 3
    [[workspace]]
    id = "{ID.replace("1", "2")}"
    """
    settings, problems = examined(tmp_path, text)
    assert problems == {}
    told = [(each.name, each.sas_env, each.concurrency, each.look_back_hours) for each in settings.accounts]
    assert told == [("a", "SAS_A", 2, 48), ("the-other", "", 16, 48), ("LOGS", "", 16, 48), ("4", "", 16, 48)]
    assert [(each.name, each.audit_days) for each in settings.workspaces] == [(ID, 3), (ID.replace("1", "2"), 8)]


@pytest.mark.parametrize(
    ("second", "key", "told"),
    [
        (f'account_url = "{A.upper().replace("HTTPS", "https")}/"', "blob[2].account_url", "same logs as blob[1]"),
        (f'account_url = "{A}:443"\nname = "x"', "blob[2].account_url", "same logs as blob[1]"),
        (f'account_url = "{A}"\ncontainer_prefix = "x"', "blob[2].name", "both called a"),
        (f'account_url = "{B}"\nname = "A"', "blob[2].name", "both called A"),
        (f'account_url = "{B}"\nname = "a:b"', "blob[2].name", "letters, digits"),
        (f'account_url = "{B}"\nconcurrency = 0', "blob[2].concurrency", "blob[2].concurrency must lie between"),
        (f'account_url = "{B}"\nconcurrency = "x"', "blob[2].concurrency", "blob[2].concurrency must be a whole"),
        (f'account_url = "{B}"\nacount_url = 1', "blob[2].acount_url", "Did you mean blob.account_url?"),
        (f'account_url = "{B}"\nzzz = 1', "blob[2].zzz", "Known keys: blob.account_url, blob.concurrency,"),
        ("concurrency = 1", "blob[2].account_url", "doesn't say where its logs are"),
        ("account_url = true\nconcurrency = 1", "blob[2].account_url", "must be text"),
    ],
)
def test_what_is_wrong_with_one_of_several(tmp_path: Path, second: str, key: str, told: str) -> None:
    _, problems = examined(tmp_path, f'[[blob]]\naccount_url = "{A}"\n[[blob]]\n{second}\n')
    assert list(problems) == [key]
    assert told in problems[key]


def test_a_workspace_twice_and_a_folder_twice(tmp_path: Path) -> None:
    text = f'[[workspace]]\nid = "{ID}"\n[[workspace]]\nid = "{ID.upper()}"\n[ingest]\nfolder = ["x", "x/"]\n'
    _, problems = examined(tmp_path, text)
    assert list(problems) == ["workspace[2].id", "ingest.folder"]


def test_a_variable_that_can_not_say_which_is_refused(tmp_path: Path) -> None:
    text = f'[[blob]]\naccount_url = "{A}"\n[[blob]]\naccount_url = "{B}"\n'
    settings, problems = examined(tmp_path, text, NSP_BLOB_ACCOUNT_URL="https://c", NSP_WORKSPACE_ID=ID)
    assert problems == {
        "blob.account_url": "NSP_BLOB_ACCOUNT_URL is set, but there are 2 [[blob]], and it can't mean them all. "
        "Unset it, and write account_url into the [[blob]] that it is for."
    }
    assert [each.account_url for each in settings.accounts] == [A, B]
    assert [each.id for each in settings.workspaces] == [ID]
    with pytest.raises(SettingsError, match="NSP_BLOB_ACCOUNT_URL is set"):
        load(tmp_path / "nsp.toml", {"NSP_BLOB_ACCOUNT_URL": "https://c"}, {})


@pytest.mark.parametrize(
    ("text", "variables", "folders"),
    [
        ('folder = "a b, c"', {}, ("a b, c",)),
        ('folder = ["a b", "c"]', {}, ("a b", "c")),
        ('folder = ""', {}, ()),
        ('folder = ["a", "b"]', {"NSP_INGEST_FOLDER": "c d"}, ("c d",)),
    ],
)
def test_folders(tmp_path: Path, text: str, variables: dict[str, str], folders: tuple[str, ...]) -> None:
    assert examined(tmp_path, f"[ingest]\n{text}\n", **variables)[0].ingest_folder == folders


def account(url: str = "", **keys: Any) -> AccountSettings:
    return replace(Settings().account, account_url=url, **keys)


TWO = (account(A, name="a", sas_env="SAS_A"), account(B, name="b", connection_string_env="LOGS"))


@pytest.mark.parametrize(
    ("configured", "flags", "asked"),
    [
        (TWO, AccountFlags(), list(TWO)),
        (TWO, AccountFlags(name="B"), [TWO[1]]),
        (TWO, AccountFlags(url=A + "/"), [TWO[0]]),
        (TWO, AccountFlags(url="https://c"), [account("https://c")]),
        (TWO, AccountFlags(name="a", signs_in=True), [account(A, name="a")]),
        (TWO, AccountFlags(name="b", secret=("", "SAS", "")), [account(B, name="b", sas_env="SAS")]),
        (TWO, AccountFlags(secret=("MINE", "", "")), [account(connection_string_env="MINE")]),
        (TWO[:1], AccountFlags(), [TWO[0]]),
        (TWO[:1], AccountFlags(url=B), [account(B)]),
        (TWO[:1], AccountFlags(secret=("", "", "f")), [account(A, name="a", secret_file="f")]),
        ((), AccountFlags(), [account()]),
        ((), AccountFlags(url=A), [account(A)]),
    ],
)
def test_accounts_that_flags_ask_for(
    configured: tuple[AccountSettings, ...], flags: AccountFlags, asked: list[AccountSettings]
) -> None:
    single = configured[0] if len(configured) == 1 else account()
    assert accounts_asked_for(configured, single, flags) == asked


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        (AccountFlags(name="c"), "There are: a, b"),
        (AccountFlags(name="a", url=A), "Give one of"),
        (AccountFlags(secret=("", "SAS", "")), "Say whose secret that is by --account: a, b"),
        (AccountFlags(secret=("", "", "f")), "Say whose secret that is by --account: a, b"),
    ],
)
def test_flags_that_can_not_say_which_are_refused(flags: AccountFlags, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        accounts_asked_for(TWO, account(), flags)


def test_workspaces_that_flags_ask_for() -> None:
    single = Settings().workspace
    two = [replace(single, name="a", id=ID, audit_days=3), replace(single, name="b", id=ID.replace("1", "2"))]
    assert workspaces_asked_for(two, single, "", "") == two
    assert workspaces_asked_for(two, single, "B", "") == [two[1]]
    assert workspaces_asked_for(two, single, "", ID.upper()) == [two[0]]
    assert workspaces_asked_for(two, single, "", "other") == [replace(single, id="other")]
    for words in (("c", ""), ("a", ID)):
        with pytest.raises(UsageError):
            workspaces_asked_for(two, single, *words)
    with pytest.raises(UsageError, match="Which workspace"):
        workspaces_asked_for([], single, "", "")


def test_wrong_variable_and_missing_file(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="NSP_RECOMMEND_RULE_COST must be a number"):
        load(None, {"NSP_RECOMMEND_RULE_COST": "much"}, {})
    with pytest.raises(SettingsError, match="isn't there"):
        load(tmp_path / "no.toml", {}, {})
