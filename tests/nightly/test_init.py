"""An nsp.toml to begin with: it says what was chosen, explains the rest, and is read back."""

import os
import pty
import subprocess
import sys
import tomllib
from dataclasses import fields
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from pipeline.nightly.initial import text_of
from pipeline.settings import Settings, load
from tests.cli.test_cli import ROOT, nsp

TEXTS = st.text(st.characters(exclude_categories=["Cs"]))


def read(folder: Path, text: str) -> Settings:
    path = folder / "nsp.toml"
    path.write_bytes(text.encode())
    return load(path, {}, {})


@given(TEXTS, st.lists(TEXTS).map(tuple), st.booleans(), st.integers(1, 3650))
def test_whatever_is_chosen_is_read_back(url: str, ids: tuple[str, ...], always: bool, days: int) -> None:
    chosen = {"blob_account_url": url, "inventory_subscriptions": ids, "notify_always": always, "min_days": days}
    found = tomllib.loads(text_of(chosen))
    assert found["blob"]["account_url"] == url
    assert tuple(found["inventory"]["subscription"]) == ids
    assert found["nightly"]["notify_always"] is always
    assert found["recommend"]["min_days"] == days


def test_every_key_is_there_once_explained_and_its_default_is_true(tmp_path: Path) -> None:
    text = text_of({})
    assert read(tmp_path, text) == Settings()
    lines = text.splitlines()
    for each in fields(Settings):
        key = each.metadata["key"].partition(".")[2]
        assert any(line.startswith(f"# {key} = ") for line in lines), key
    assert not [line for line in lines if line in {"#", "# "}], "each key is explained"
    opened = "\n".join(line.removeprefix("# ") if " = " in line else line for line in lines)
    assert read(tmp_path, opened) == Settings(), "what is behind the # are the defaults"


def test_from_options(tmp_path: Path) -> None:
    result = nsp(
        tmp_path, "--store", "here", "init", "--account-url", "https://a.blob.core.windows.net",
        "--subscription", "one", "--subscription", "5f0c2a1e-7d34-4b6a-9a51-c0ffee000001", "--webhook-env", "HOOK",
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    found = load(tmp_path / "nsp.toml", {}, {})
    assert (found.store, found.webhook_env) == (Path("here"), "HOOK")
    assert found.inventory_subscriptions == ("one", "5f0c2a1e-7d34-4b6a-9a51-c0ffee000001")
    assert b"to mend: inventory.subscription" in result.stderr
    before = (tmp_path / "nsp.toml").read_bytes()
    again = nsp(tmp_path, "init", "--account-url", "https://b.blob.core.windows.net")
    assert again.returncode == 2
    assert b"is there already" in again.stderr
    assert (tmp_path / "nsp.toml").read_bytes() == before


def test_several_of_each(tmp_path: Path) -> None:
    accounts = [f"https://{name}.blob.core.windows.net" for name in ("a", "b")]
    ids = [f"5f0c2a1e-7d34-4b6a-9a51-c0ffee00000{number}" for number in (1, 2, 3)]
    words = [word for each in accounts for word in ("--account-url", each)]
    words += [word for each in ids for word in ("--workspace-id", each)]
    folders = [tmp_path / "a, b", tmp_path / "c"]
    for each in folders:
        each.mkdir()
    result = nsp(tmp_path, "init", *words, *(word for each in folders for word in ("--folder", str(each))))
    assert (result.returncode, result.stderr.count(b"\n")) == (0, 1), result.stderr
    found = load(tmp_path / "nsp.toml", {}, {})
    assert [(each.name, each.account_url) for each in found.accounts] == list(zip("ab", accounts, strict=True))
    assert [each.id for each in found.workspaces] == ids
    assert found.ingest_folder == tuple(map(str, folders))


def test_by_asking_on_a_terminal(tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    variables = {name: value for name, value in os.environ.items() if not name.startswith("NSP_")}
    with subprocess.Popen(
        [sys.executable, "-m", "pipeline", "init"], cwd=tmp_path, env=variables | {"PYTHONPATH": str(ROOT)},
        stdin=theirs, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    ) as process:  # fmt: skip
        answers = [
            "https://a.blob.core.windows.net",
            "https://b.blob.core.windows.net",
            "",
            "",
            "/x y",
            "",
            "a, b",
            "cli",
        ]
        os.write(ours, "".join(f"{each}\n" for each in answers).encode())
        assert process.wait(60) == 0
    os.close(ours)
    os.close(theirs)
    found = load(tmp_path / "nsp.toml", {}, {})
    assert [each.account_url for each in found.accounts] == [answers[0], answers[1]]
    assert (found.workspaces, found.ingest_folder, found.auth) == ((), ("/x y",), "cli")
    assert found.inventory_subscriptions == ("a", "b")
