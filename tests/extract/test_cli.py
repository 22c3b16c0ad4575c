"""nsp ingest blob and nsp ingest workspace as a person or a nightly job calls them."""

import json
import os
import subprocess
import threading
from pathlib import Path
from urllib.parse import unquote

import pytest

from pipeline.store import open_store
from tests import forks
from tests.extract.test_blob import account_sas
from tests.services.azurite import KEY
from tests.services.export import Export, contents, hourly
from tests.services.faults import Fault, Proxy
from tests.transform.test_exactly_once import some_lines


def nsp(folder: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("NSP_", "AZURE_"))}
    return forks.text(forks.nsp(("--store", str(folder / "store"), *words), folder, {**clean, **environment}))


def test_blobs_by_connection_string(written: Export, tmp_path: Path) -> None:
    written.append(hourly(1), some_lines(5, 1) + "no json\n" + "half")
    secret = written.azurite.connection_string()
    words = ("ingest", "blob", "--connection-string-env", "LOGS", "--container-prefix", written.prefix)
    done = nsp(tmp_path, *words, "--format", "json", LOGS=secret)
    assert done.returncode == 5, done.stderr  # a sixth of the lines was rejected
    assert json.loads(done.stdout)[0] == {
        "account": "LOGS", "files_loaded": 1, "files_unchanged": 0, "records": 5, "rejected_records": 1,
        "pending_bytes": 4, "files_failed": 0,
    }  # fmt: skip
    again = nsp(tmp_path, *words, LOGS=secret, NSP_INGEST_REJECTED_SHARE="0.5")
    assert (again.returncode, KEY in done.stderr + again.stderr) == (0, False)
    (tmp_path / "secret").write_text(secret + "\n")
    by_file = nsp(tmp_path, *words[:2], *words[-2:], "--secret-file", "secret", "--relist")
    assert by_file.returncode == 0, by_file.stderr


def test_blobs_by_sas_and_settings(written: Export, tmp_path: Path) -> None:
    written.append(hourly(1), some_lines(5, 1))
    (tmp_path / "nsp.toml").write_text(
        f'[blob]\naccount_url = "{written.azurite.url}"\ncontainer_prefix = "{written.prefix}"\n'
    )
    done = nsp(tmp_path, "ingest", "blob", "--sas-env", "SAS", SAS=account_sas(1))
    assert (done.returncode, done.stderr) == (0, "")
    expired = nsp(tmp_path, "ingest", "blob", "--sas-env", "SAS", SAS=account_sas(-1))
    assert (expired.returncode, expired.stderr.count("\n")) == (4, 1)
    assert "expired" in expired.stderr
    assert "sig=" not in expired.stderr


def test_all_accounts_of_the_settings_and_one_that_fails(written: Export, tmp_path: Path) -> None:
    other = Export(written.azurite.second, prefix=written.prefix)
    written.append(hourly(1), some_lines(5, 1))
    other.append(hourly(1), some_lines(7, 2))
    keys = f'container_prefix = "{written.prefix}"\n'
    (tmp_path / "nsp.toml").write_text(
        f'[[blob]]\naccount_url = "{written.azurite.url}"\nsas_env = "EXPIRED"\n{keys}'
        f'[[blob]]\nname = "West"\nconnection_string_env = "WEST"\n{keys}'
    )
    variables = {"EXPIRED": account_sas(-1), "SAS": account_sas(1), "WEST": other.azurite.connection_string()}
    words = ("ingest", "blob", "--format", "json")
    done = nsp(tmp_path, *words, **variables)
    assert (done.returncode, done.stderr.count("\n")) == (4, 1), done.stderr
    assert json.loads(done.stderr)["message"].startswith("devstoreaccount1: ")
    assert [(each["account"], each["records"]) for each in json.loads(done.stdout)] == [("West", 7)]
    chosen = nsp(tmp_path, *words, "--account", "devstoreaccount1", "--sas-env", "SAS", **variables)
    assert [(each["account"], each["records"]) for each in json.loads(chosen.stdout)] == [("devstoreaccount1", 5)]
    by_url = nsp(tmp_path, *words, "--account-url", f"{written.azurite.url}/", "--sas-env", "SAS", **variables)
    assert [(each["files_loaded"], each["files_unchanged"]) for each in json.loads(by_url.stdout)] == [(0, 1)]
    other.close()


def test_requests_are_logged_without_secrets(written: Export, tmp_path: Path) -> None:
    written.append(hourly(1), some_lines(5, 1))
    words = ("-vv", "ingest", "blob", "--container-prefix", written.prefix)
    by_sas = (*words, "--account-url", written.azurite.url, "--sas-env", "SAS")
    for hours, code in ((1, 0), (-1, 4)):
        sas = account_sas(hours)
        done = nsp(tmp_path, *by_sas, SAS=sas)
        told = [json.loads(each) for each in done.stderr.splitlines()]
        assert (done.returncode, told[-1]["event"]) == (code, "command_ended"), done.stderr
        requests = [each["message"] for each in told if each.get("logger", "").startswith("azure.")]
        assert any("Request URL: 'http://127.0.0.1" in each and "sig=" in each for each in requests), requests
        signature = sas.partition("sig=")[2].partition("&")[0]
        assert signature not in done.stderr
        assert unquote(signature) not in done.stderr
    done = nsp(tmp_path, *words, "--connection-string-env", "LOGS", LOGS=written.azurite.connection_string())
    assert "Request URL" in done.stderr
    assert "Authorization" in done.stderr
    assert KEY not in done.stderr
    assert "SharedKey devstoreaccount1:" not in done.stderr


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (("blob",), 2, "Which storage account"),
        (("blob", "--sas-env", "sv=2024&sig=abc"), 2, "not the secret itself"),
        (("blob", "--connection-string-env", "NOWHERE"), 2, "isn't set"),
        (("blob", "--sas-env", "A", "--secret-file", "b"), 2, "Give one of"),
        (("blob", "--secret-file", "nowhere"), 2, "can't be read"),
        (("blob", "--auth", "magic", "--account-url", "https://a.invalid"), 2, "is one of default, cli"),
        (("blob", "--auth", "environment", "--account-url", "https://a.invalid"), 4, "AZURE_TENANT_ID"),
        (("blob", "--auth", "workload-identity", "--account-url", "https://a.invalid"), 4, "AZURE_FEDERATED"),
        (("blob", "--auth", "cli", "--account-url", "https://a.invalid"), 4, "az login"),
        (("workspace",), 2, "Which workspace"),
        (("workspace", "--workspace-id", "prod-logs"), 2, "Workspace ID"),
        (("workspace", "--workspace-id", "11111111-2222-4333-8444-555555555555", "--auth", "cli"), 4, "az login"),
    ],
    ids=lambda each: " ".join(each) if isinstance(each, tuple) else None,
)
def test_what_is_missing_is_told_in_one_line(tmp_path: Path, words: tuple[str, ...], code: int, told: str) -> None:
    done = nsp(tmp_path, "ingest", *words)
    assert (done.returncode, done.stderr.count("\n")) == (code, 1), done.stderr
    assert told in done.stderr
    assert "abc" not in done.stderr


def test_two_at_once(written: Export, between: Proxy, tmp_path: Path) -> None:
    for number in range(6):
        written.append(hourly(number), some_lines(50, number))
    slow = threading.Event()
    between.choose = lambda _, path, __: Fault(first=lambda: slow.wait(0.3)) if "PT1H" in path else None
    secret = written.azurite.connection_string(between.port)
    words = ("ingest", "blob", "--connection-string-env", "LOGS", "--container-prefix", written.prefix)
    results: list[subprocess.CompletedProcess[str]] = []
    both = [threading.Thread(target=lambda: results.append(nsp(tmp_path, *words, LOGS=secret))) for _ in range(2)]
    for each in both:
        each.start()
    for each in both:
        each.join()
    assert [each.returncode for each in results] == [0, 0], [each.stderr for each in results]
    impatient = open_store(tmp_path / "store")
    with impatient:
        refused = nsp(tmp_path, *words, LOGS=secret, NSP_STORE_WAIT_SECONDS="0.2")
        assert (refused.returncode, "in use by another nsp" in refused.stderr) == (1, True)
        assert contents(impatient) == written.expected(tmp_path)
