"""All that is wrong with the settings, at once."""

import json
from pathlib import Path

import pytest

from pipeline.nightly.configuration import problems
from tests.cli.test_cli import nsp

GUID = "5f0c2a1e-7d34-4b6a-9a51-c0ffee000001"

TWO_ACCOUNTS = '[[blob]]\naccount_url = "https://a.blob.core.windows.net"\n'
TWO_ACCOUNTS += TWO_ACCOUNTS.replace("https://a", "https://b")


def keys(folder: Path, text: str, **variables: str) -> list[str]:
    path = folder / "nsp.toml"
    path.write_text(text)
    return [each.key for each in problems(path, variables)]


def test_everything_wrong_is_told_at_once_and_nothing_twice(tmp_path: Path) -> None:
    text = """
    [recommend]
    reserv = 1
    min_days = "x"
    drop_budget = 5
    [inventory]
    subscription = ["not-a-guid"]
    [azure]
    auth = "magic"
    """
    assert keys(tmp_path, text, NSP_STORE_WAIT_SECONDS="-1") == [
        "recommend.reserv", "recommend.min_days", "store.wait_seconds", "recommend.drop_budget", "azure.auth",
        "inventory.subscription",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ('[blob]\naccount_url = "http://x.blob.core.windows.net"', "blob.account_url"),
        ('[blob]\naccount_url = "https://[x"', "blob.account_url"),
        ('[blob]\nsas_env = "HERE"', "blob.account_url"),
        ('[blob]\nconnection_string_env = "GONE"', "blob.connection_string_env"),
        ('[blob]\nsecret_file = "gone.txt"', "blob.secret_file"),
        ('[blob]\nconnection_string_env = "HERE"\nsecret_file = "gone.txt"', "blob.secret_file"),
        ('[workspace]\nid = "my-workspace"', "workspace.id"),
        ('[workspace]\nendpoint = "api"', "workspace.endpoint"),
        ('[inventory]\nperimeter = ["nsp1"]', "inventory.perimeter"),
        ("[inventory]\nsubscription = 5", "inventory.subscription"),
        ('[inventory]\nfile = "gone.json"', "inventory.file"),
        ('[ingest]\nfolder = "gone"', "ingest.folder"),
        ('[ingest]\nfolder = [".", "gone"]', "ingest.folder"),
        (f'{TWO_ACCOUNTS}sas_env = "GONE"', "blob[2].sas_env"),
        (f'{TWO_ACCOUNTS}secret_file = "gone.txt"', "blob[2].secret_file"),
        (f'{TWO_ACCOUNTS}sas_env = "HERE"\nsecret_file = "gone.txt"', "blob[2].secret_file"),
        (TWO_ACCOUNTS.replace("https://b", "http://b"), "blob[2].account_url"),
        ('[[blob]]\naccount_url = "https://a"\n[[blob]]\nsas_env = "HERE"', "blob[2].account_url"),
        (f'[[workspace]]\nid = "{GUID}"\n[[workspace]]\nid = "w"\n', "workspace[2].id"),
        (
            f'[[workspace]]\nid = "{GUID}"\nendpoint = "x"\n[[workspace]]\nid = "{GUID[:-1]}2"\n',
            "workspace[1].endpoint",
        ),
        ('[nightly]\nnotify_command = "\'open"', "nightly.notify_command"),
        ('[nightly]\nwebhook_env = "GONE"', "nightly.webhook_env"),
        ('[nightly]\nwebhook_env = "HERE"', "nightly.webhook_env"),
        ('[nightly]\nwebhook_file = "gone.txt"', "nightly.webhook_file"),
        ('[nightly]\nnotify_always = "perhaps"', "nightly.notify_always"),
        ("[nightly]\nnotify_seconds = 0", "nightly.notify_seconds"),
        ("[retention]\nraw_days = -1", "retention.raw_days"),
        ("[retention]\nflow_days = 34", "retention.flow_days"),
        ("[retention]\nraw_days = 90\nflow_days = 60", "retention.flow_days"),
        ("[retention]\nflow_days = 60\n[recommend]\nmin_days = 61", "retention.flow_days"),
        ("[retention]\ncompact_share = 0", "retention.compact_share"),
    ],
)
def test_each_key_is_told_of(tmp_path: Path, text: str, key: str) -> None:
    assert keys(tmp_path, text, HERE="http://plain.example/x") == [key]


def test_files_that_are_no_settings(tmp_path: Path) -> None:
    assert keys(tmp_path, "[blob") == [""]
    (tmp_path / "policy.toml").write_text("[nonsense]\nx = 1\n")
    assert keys(tmp_path, "") == [""], "the policy beside it"
    assert [each.key for each in problems(tmp_path / "gone.toml", {})] == [""]


def test_what_is_right_is_left_alone(tmp_path: Path) -> None:
    text = f"""
    [blob]
    account_url = "https://logs.blob.core.windows.net"
    sas_env = "SAS"
    [workspace]
    id = "{GUID}"
    [inventory]
    subscription = ["{GUID.upper()}"]
    [nightly]
    webhook_env = "HOOK"
    notify_command = "mail -s 'the night' me"
    [retention]
    raw_days = 7
    flow_days = 35
    """
    assert keys(tmp_path, text, SAS="sv=1&sig=x", HOOK="https://hooks.example/SECRET") == []


def test_one_account_by_two_secrets_is_found(tmp_path: Path) -> None:
    text = "".join(f'[[blob]]\nconnection_string_env = "{each}"\n' for each in ("A", "B", "C"))
    secret = "DefaultEndpointsProtocol=https;AccountName={};AccountKey={};EndpointSuffix=core.windows.net"
    first, again, other = (secret.format(*each) for each in (("logs", "a2V5"), ("logs", "a2V5Mg=="), ("x", "a2V5")))
    assert keys(tmp_path, text, A=first, B=again, C=other) == ["blob[2].connection_string_env"]
    assert keys(tmp_path, text, A=first, B="nonsense", C=other) == ["blob[2].connection_string_env"]


def test_the_command(tmp_path: Path) -> None:
    assert nsp(tmp_path, "config", "check").returncode == 0
    (tmp_path / "nsp.toml").write_text('[nightly]\nwebhook_env = "HOOK"\n[store]\nmemry = "1GB"\n')
    result = nsp(tmp_path, "config", "check", "--format", "json", HOOK="ftp://SECRET")
    assert result.returncode == 2
    assert [each["key"] for each in json.loads(result.stdout)] == ["store.memry", "nightly.webhook_env"]
    assert b"Did you mean store.memory" in result.stdout
    assert b"SECRET" not in result.stdout + result.stderr
