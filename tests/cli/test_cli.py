"""The command as people run it: output, formats, exit codes, errors, hostile text."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from pipeline import sql
from pipeline.store import open_store
from pipeline.tables import CATEGORIES
from tests import forks
from tests.conftest import line

ROOT = Path(__file__).parent.parent.parent
SAMPLE = ROOT / "data" / "sample"
BY = ("verdict", "rule", "caller", "direction", "category", "resource", "destination", "hour")


def nsp(folder: Path, *words: str, **variables: str) -> subprocess.CompletedProcess[bytes]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("NSP_")} | variables
    environment["PYTHONPATH"] = str(ROOT)
    return forks.nsp(words, folder, environment)


def out(folder: Path, *words: str, code: int = 0, **variables: str) -> str:
    result = nsp(folder, *words, **variables)
    assert result.returncode == code, result.stderr.decode()
    return result.stdout.decode()


def told(folder: Path, *words: str, code: int) -> str:
    """The error that a command gives: without a traceback, and without anything on stdout."""
    result = nsp(folder, *words)
    message = result.stderr.decode()
    assert result.returncode == code, message
    assert "Traceback" not in message
    assert result.stdout == b""
    return message


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder whose ./.nsp holds the kept sample."""
    folder = tmp_path_factory.mktemp("sample")
    out(folder, "ingest", "folder", str(SAMPLE), NSP_INGEST_REJECTED_SHARE="0.05")
    out(folder, "inventory", "load", str(SAMPLE / "inventory.json"))
    return folder


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys; from pipeline.cli import app; from typer.testing import CliRunner; "
        "r = CliRunner().invoke(app, ['--help']); assert r.exit_code == 0, r.output; "
        "print(sorted({'duckdb', 'polars', 'numpy', 'arro3', 'nanoarrow', 'jinja2'} & set(sys.modules)))"
    )
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


@pytest.mark.parametrize(
    "words",
    [[], ["demo"], ["ingest"], ["ingest", "folder"], ["inventory"], ["inventory", "load"], ["inventory", "show"],
     ["traffic"], ["coverage"], ["recommend"], ["decide"], ["decide", "accept"], ["decide", "apply"], ["tighten"],
     ["export"], ["report"], ["review"], ["nightly"], ["status"], ["query"]],
)  # fmt: skip
def test_every_command_explains_itself(tmp_path: Path, words: list[str]) -> None:
    text = out(tmp_path, *words, "--help")
    assert "Usage" in text
    assert len(text) > 300


def test_help_is_readable_at_80_columns(tmp_path: Path) -> None:
    text = out(tmp_path, "whatif", "--help", COLUMNS="80", TERMINAL_WIDTH="80")
    assert "--public-network-access " in text
    assert "One of enabled, disabled, securedbyperimeter." in " ".join(text.replace("\u2502", " ").split())
    for words in ([], ["whatif"], ["decide"], ["decide", "list"]):
        assert "<bool>" not in out(tmp_path, *words, "--help", TERMINAL_WIDTH="80")
    told = text.partition("The exit code")[2].partition("\u256d")[0].strip().splitlines()
    assert all(len(line) > 60 for line in told[:-1])  # no stub between whole lines


def test_demo_is_short_and_ends_with_what_to_type_next(tmp_path: Path) -> None:
    result = nsp(tmp_path, "demo", "--records", "5000")
    text = result.stdout.decode()
    assert result.returncode == 0, result.stderr.decode()
    assert len(text.splitlines()) < 100
    assert text.splitlines()[-1].split()[:4] == ["nsp", "--store", ".nsp-demo", "review"]
    for word in ("NspPublicInboundResourceRulesAllowed", "NOT READY", "203.0.113.", "cannot-fix", "nsp ingest folder"):
        assert word in text
    again = out(tmp_path, "demo", "--records", "5000")
    assert again == text, "the demo is the same each time"
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "precious.txt").write_text("x")
    assert "isn't a demo" in told(tmp_path, "--store", "mine", "demo", code=2)
    assert (tmp_path / "mine" / "precious.txt").exists()


def test_ingest_tells_what_it_did_and_exits_5_above_the_share(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text(line() * 9 + "bad\n")
    result = nsp(tmp_path, "ingest", "folder", "x.json", "--format", "json")
    assert result.returncode == 5
    (made,) = json.loads(result.stdout)
    assert (made["files_loaded"], made["records"], made["rejected_records"]) == (1, 9, 1)
    assert b"nsp query coverage/rejected_records" in result.stderr
    (made,) = json.loads(out(tmp_path, "ingest", "folder", "x.json", "--format", "json"))
    assert (made["files_loaded"], made["files_unchanged"]) == (0, 1)
    assert "bad" in out(tmp_path, "query", "rejected_records")


@pytest.mark.parametrize("by", BY)
def test_traffic_by_everything_in_every_format(sample: Path, by: str) -> None:
    rows = json.loads(out(sample, "traffic", "--by", by, "--limit", "0", "--format", "json"))
    assert rows
    assert sum(row["records"] for row in rows) > 100
    assert pl.read_csv(out(sample, "traffic", "--by", by, "--limit", "0", "-f", "csv").encode()).height == len(rows)
    parquet = nsp(sample, "traffic", "--by", by, "--limit", "0", "-f", "parquet").stdout
    assert pl.read_parquet(parquet).height == len(rows)
    assert "requests" in out(sample, "traffic", "--by", by)
    assert len(json.loads(out(sample, "traffic", "--by", by, "--limit", "1", "-f", "json"))) == 1


def test_an_empty_path_is_not_the_current_folder(tmp_path: Path) -> None:
    assert "the current folder is ." in told(tmp_path, "ingest", "folder", "", code=2)


def test_traffic_narrows(sample: Path) -> None:
    def requests(*words: str) -> int:
        rows = json.loads(out(sample, "traffic", "--by", "direction", "-f", "json", *words))
        return sum(row["requests"] for row in rows)

    everything = requests()
    assert requests("--perimeter", "NSP-CONTOSO-AI") == everything
    assert requests("--perimeter", "NSP-CONTOSO-AI/") == everything
    assert "No such perimeter or profile" in told(sample, "traffic", "--perimeter", "other", code=2)
    assert "--since must lie before" in told(sample, "traffic", "--since", "2d", "--until", "3d", code=2)
    assert requests("--profile", "data") + requests("--profile", "ai-apps") == everything
    day = "2026-10-12"
    assert 0 < requests("--since", day, "--until", "2026-10-13") < everything
    assert requests("--until", day) + requests("--since", f"{day}T00:00:00+00:00") == everything
    assert requests("--since", "1h") == 0
    for text in ("soon", "0001-01-01T00:00+23:00", "99999w"):
        assert "is no time" in told(sample, "traffic", "--since", text, code=2)
    assert "must lie before" in told(sample, "recommend", "--since", "2026-10-02", "--until", "2026-10-01", code=2)
    assert "nsp-contoso-ai/data" in told(sample, "recommend", "--profile", "typo", code=2)
    assert "Invalid value" in told(sample, "traffic", "--by", "colour", code=2)


def test_coverage_says_what_is_there_and_what_is_missing(sample: Path) -> None:
    seen = json.loads(out(sample, "coverage", "--format", "json"))
    by_category = seen["by_category"]
    assert set(CATEGORIES) <= set(by_category)
    assert sum(each["records"] for each in by_category.values()) == seen["records"]
    assert sum(each["requests"] for each in by_category.values()) == seen["requests"]
    assert [each.rsplit("/", 1)[-1] for each in seen["silent_resources"]] == ["contoso-sql"]
    assert seen["rejected_records"] == sum(seen["rejected_reasons"].values()) > 0
    assert seen["gaps"]
    text = out(sample, "coverage")
    for word in ("silent-resource", "contoso-sql", "lines rejected", "spans of 6 hours and more", "blockers, "):
        assert word in text
    assert pl.read_csv(out(sample, "coverage", "-f", "csv").encode()).height == len(seen["findings"]) > 0


def test_recommend_gives_the_contract_and_exits_3(sample: Path) -> None:
    made = json.loads(out(sample, "recommend", "--format", "json", code=3))
    assert set(made) == {"schema_version", "run", "coverage", "readiness", "proposals"}
    assert set(made["run"]) == {"id", "created", "window", "sources"}
    assert {"categories_seen", "categories_missing", "silent_resources", "rejected_records"} <= set(made["coverage"])
    for each in made["readiness"]:
        assert {"perimeter", "profile", "ready", "reasons", "callers_at_risk", "predicted_denied_share", "lights",
                "calendar", "associations", "backtest", "split", "denied_by_decisions"} == set(each)  # fmt: skip
    for each in made["proposals"]:
        assert set(each) == {"id", "perimeter", "profile", "direction", "kind", "name", "elements", "recommended",
                             "flags", "reason", "evidence", "exposure", "state", "choice"}  # fmt: skip
        assert set(each["choice"]) == {"chosen", "cost", "runner_up", "cost_difference", "your_call", "sentence"}
        assert re.fullmatch(r"[a-zA-Z0-9]+[a-zA-Z0-9_.-]*[a-zA-Z0-9_]+", each["name"])
    names = [(each["perimeter"], each["profile"], each["name"]) for each in made["proposals"]]
    assert len(set(names)) == len(names)
    frame = pl.read_csv(out(sample, "recommend", "-f", "csv", code=3).encode())
    assert frame.height == len(made["proposals"])
    told = out(sample, "recommend", code=3)
    assert "NOT READY" in told
    assert "  Enforced already: contosoarchive." in told
    assert not re.search(r"\d  contosoarchive", told), "it stands in the order in which to enforce"


def test_tighten_names_rules_that_are_too_wide(sample: Path, tmp_path: Path) -> None:
    assert "No rule in force was found to be wider" in out(sample, "tighten")
    assert pl.read_csv(out(sample, "tighten", "-f", "csv").encode()).height == 0
    assert json.loads(out(sample, "tighten", "-f", "json")) == []
    document = json.loads((SAMPLE / "inventory.json").read_text())
    rule = document["accessRules"][0]
    everything = {"id": f"{rule['id']}-all", "direction": "Inbound", "addressPrefixes": ["0.0.0.0/0", "::/0"]}
    document["accessRules"] += [{**rule, "id": f"{rule['id']}-twin", "name": "=twin"}, everything]
    (tmp_path / "inventory.json").write_text(json.dumps(document))
    out(tmp_path, "ingest", "folder", str(SAMPLE), NSP_INGEST_REJECTED_SHARE="0.05")
    out(tmp_path, "inventory", "load", "inventory.json")
    made = json.loads(out(tmp_path, "tighten", "--profile", "AI-apps", "-f", "json"))
    assert [(each["element"], each["finding"]) for each in made] == [
        ("0.0.0.0/0", "too-wide"),
        ("198.51.100.0/26", "shadowed"),
        ("::/0", "too-wide"),
    ]
    assert made[0]["exposure"]["closed_addresses"] > 2**31 > made[0]["evidence"]["used"] > len(made[0]["replacement"])
    for form, read in (("csv", pl.read_csv), ("parquet", pl.read_parquet)):
        result = nsp(tmp_path, "tighten", "-f", form)
        assert result.returncode == 0, result.stderr
        frame = read(result.stdout)
        assert frame["finding"].to_list() == ["too-wide", "shadowed", "too-wide"]
        assert frame["addresses"].to_list() == [2**32, 64, 2**64 - 1]
        assert frame["replacement"][1] in {None, ""}
    assert "every IPv6 address" in re.sub(r"\s+", " ", out(tmp_path, "tighten"))
    assert out(tmp_path, "tighten", "--profile", "data", "--unused-days", "1").startswith("No rule in force")
    assert "No such perimeter or profile" in told(tmp_path, "tighten", "--profile", "nobody", code=2)


def test_whatif_says_what_breaks(sample: Path) -> None:
    text = out(sample, "whatif", "--rules", "in-force", code=3)
    assert "succeed today and would be denied" in text
    assert "func-ingest" in text
    made = json.loads(out(sample, "whatif", "-f", "json", code=3))
    unjudged = made["unjudged_requests"]
    assert unjudged > 0
    assert f"Of {unjudged:,} requests nobody can tell what would happen." in text
    assert made["scenario"] == {"rules": "proposed", "access_mode": "Enforced", "public_network_access": None}
    assert made["lost_requests"] == sum(row["requests"] for row in made["losses"]) > 0
    assert json.loads(out(sample, "whatif", "--mode", "as-is", "--rules", "in-force", "-f", "json"))["losses"] == []
    assert "there is no file" in told(sample, "whatif", "--rules", "nowhere.json", code=2)
    assert "No rule is accepted" in told(sample, "whatif", "--rules", "accepted", code=2)
    assert "NspPublicOutbound" not in out(sample, "whatif", "--until", "2020-01-01")


def test_inventory_as_people_use_it(sample: Path, tmp_path: Path) -> None:
    for part in (
        "perimeters",
        "profiles",
        "rule_elements",
        "resources",
        "links",
        "logging",
        "issues",
        "known_networks",
    ):
        json.loads(out(sample, "inventory", "show", part, "-f", "json"))
    document = json.loads((SAMPLE / "inventory.json").read_text())
    (tmp_path / "a.json").write_text(json.dumps(document))
    document["associations"][0]["accessMode"] = "Enforced"
    (tmp_path / "b.json").write_text(json.dumps(document))
    out(tmp_path, "inventory", "load", "a.json", "--taken", "2026-10-01")
    out(tmp_path, "inventory", "load", "b.json", "--taken", "2026-10-02", "--complete")
    (change,) = json.loads(out(tmp_path, "inventory", "diff", "-f", "json"))
    assert (change["found_at"], change["kind"], change["before"], change["after"]) == (
        "2026-10-02T00:00:00Z", "access mode", "Learning", "Enforced",
    )  # fmt: skip
    assert "--subscription" in told(tmp_path, "inventory", "pull", code=2)


def test_recommend_without_data_is_not_ready(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text("")
    out(tmp_path, "ingest", "folder", "x.json")
    assert "no data" in out(tmp_path, "recommend", code=3)
    assert json.loads(out(tmp_path, "recommend", "-f", "json", code=3))["readiness"] == []
    assert "no data" in out(tmp_path, "coverage")
    for form in ("csv", "parquet"):
        assert nsp(tmp_path, "recommend", "-f", form).returncode == 3


def test_one_is_no_plural(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "PT1H.json").write_text(line(count=1), encoding="utf-8")
    out(tmp_path, "ingest", "folder", "logs")
    out(tmp_path, "report", "-o", "made.html")
    told = [out(tmp_path, "coverage"), out(tmp_path, "recommend", code=3), (tmp_path / "made.html").read_text("utf-8")]
    assert "1 record, 1 request, 1 hourly flow from 1 file\n" in told[0]
    assert "1 day, 1 of 1 hour with records" in told[0]
    assert "Of 1 request seen" in told[2]
    assert "1 record of the whole store" in told[2]
    assert re.findall(r"(?<![\d,.])1 (?:days|requests|records|files|hours)\b", told[0] + told[1]) == []


def test_every_listed_query_runs(sample: Path) -> None:
    listed = json.loads(out(sample, "query", "--format", "json"))
    assert [each["query"] for each in listed] == [name for name in sql.names() if not name.startswith(sql.INTERNAL)]
    assert all(each["rows"].endswith(".") for each in listed)
    needed = {"min_hours": 6, "caller": "203.0.113.7", "tags": ["storage"], "snapshot_id": 1}
    with open_store(sample / ".nsp", read_only=True) as store:
        for each in listed:
            names = sql.load(each["query"]).parameters
            store.frame(each["query"], **{name: needed.get(name) for name in names})


def test_query_parameters(sample: Path) -> None:
    words = ("query", "traffic/flows_by_hour", "-p", "since=2026-10-12", "-p", "until=2026-10-13T00:00", "-f", "json")
    rows = json.loads(out(sample, *words))
    assert rows
    assert all(row["hour"].startswith("2026-10-12T") for row in rows)
    assert "takes the parameters: min_hours" in told(sample, "query", "coverage/gaps", code=2)
    assert "unknown: ['colour']" in told(sample, "query", "coverage/totals", "-p", "colour=red", code=2)
    assert "NAME=VALUE" in told(sample, "query", "coverage/totals", "-p", "red", code=2)
    for name in ("123", "true", "7d", "null"):
        assert "No such perimeter or profile" in told(sample, "query", "flows_by_hour", "-p", f"profile={name}", code=2)
    assert "No such perimeter" in told(sample, "query", "denials_that_began", "-p", "perimeter=typo", code=2)
    assert "No query is named" in told(sample, "query", "nothing", code=2)
    assert "only runs inside a load" in told(sample, "query", "accepted_lines", code=2)
    assert json.loads(out(sample, "query", "flows_by_hour", "-p", "since=1h", "-f", "json")) == []
    assert "can't run with these parameters" in told(sample, "query", "coverage/gaps", "-p", "min_hours=many", code=2)


def test_errors_say_what_to_do_next(tmp_path: Path) -> None:
    assert "nsp ingest folder PATH" in told(tmp_path, "traffic", code=1)
    assert "isn't there" in told(tmp_path, "ingest", "folder", "nowhere", code=1)
    (tmp_path / "nsp.toml").write_text("[stor]\n path = 'x'")
    assert "Did you mean store.path" in told(tmp_path, "coverage", code=2)
    (tmp_path / "nsp.toml").write_text("[store]\npath = 'elsewhere'\nwait_seconds = 0\n")
    assert "no warehouse in elsewhere" in told(tmp_path, "coverage", code=1)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "warehouse.duckdb").write_text("this is no database, but longer than a header" * 500)
    assert "can't be opened" in told(tmp_path, "coverage", code=1)
    assert b"store.memory is no size" in nsp(tmp_path, "coverage", NSP_STORE_MEMORY="banana").stderr


def test_store_in_use_is_told(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text(line())
    out(tmp_path, "ingest", "folder", "x.json")
    hold = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('held', flush=True); sys.stdin.read()"
    command = [sys.executable, "-c", hold, str(tmp_path / ".nsp" / "warehouse.duckdb")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout
        holder.stdout.readline()
        message = nsp(tmp_path, "traffic", NSP_STORE_WAIT_SECONDS="0.2")
        holder.kill()
    assert message.returncode == 1
    assert b"in use by another nsp" in message.stderr


def test_a_folder_without_logs_is_told(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "PT1H.txt").write_text("{}")
    result = nsp(tmp_path, "ingest", "folder", "empty", "-f", "csv")
    assert (result.returncode, result.stdout.splitlines()[1]) == (0, b"0,0,0,0,0,0")
    assert b"no log files were found in empty" in result.stderr


def test_a_reader_that_goes_early_changes_nothing(sample: Path) -> None:
    for words, code in ((["traffic", "--by", "hour", "--limit", "0"], 0), (["recommend"], 3), (["query"], 0)):
        for form in ("table", "json", "csv", "parquet"):
            command = [sys.executable, "-m", "pipeline", *words, "-f", form]
            environment = os.environ | {"PYTHONPATH": str(ROOT)}
            with subprocess.Popen(
                command, cwd=sample, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
            ) as process:
                assert process.stdout
                assert process.stderr
                process.stdout.close()
                errors = process.stderr.read()
            assert process.returncode == code, (words, form, errors)
            assert errors == b"", (words, form)


@pytest.mark.parametrize(
    "words", [*(["traffic", "-f", form] for form in ("table", "json", "csv", "parquet")), ["coverage"], ["--help"]]
)
def test_a_full_disk_is_told_in_a_sentence(sample: Path, words: list[str]) -> None:
    with Path("/dev/full").open("wb") as full:
        environment = os.environ | {"PYTHONPATH": str(ROOT), "NSP_LOG_FORMAT": "text"}
        command = [sys.executable, "-m", "pipeline", *words]
        ended = subprocess.run(command, cwd=sample, env=environment, stdout=full, stderr=subprocess.PIPE, check=False)
    assert ended.returncode == 1
    (told,) = ended.stderr.decode().splitlines()
    assert "No space left on device" in told


HOSTILE = [
    "\x1b[31mred\x1b[0m\x07",
    "[bold red]markup[/bold red] [/nonsense]",
    "=HYPERLINK(1)",
    "+1+1",
    "-1",
    "@SUM(A1)",
    '"quotes", and, commas',
    "line\nbreak\r\ttab",
    "\u202eright to left",
    "<script>alert(1)</script>",
    "$(reboot) `reboot` ${HOME} %PATH%",
    "x" * 5000,
    "nul\x00byte",
    " =1+1",
    "\n=1+1",
    "\uff1d1+1",
    "\u200b=1+1",
    "\u2028@a",
    "\x9b31m",
]


def test_hostile_text_in_any_field_is_inert_in_every_format(tmp_path: Path) -> None:
    text = ""
    for number, hostile in enumerate(HOSTILE):
        fields: dict[str, Any] = {
            "operationName": hostile,
            "properties__profile": hostile,
            "properties__serviceResourceId": hostile,
            "properties__matchedRule": {"accessRule": hostile},
            "resourceId": f"/P{number}/" + hostile,
        }
        source = {"ipAddress": hostile, "appId": hostile, "resourceId": "/subscriptions/" + hostile}
        text += line(properties__source=source, **fields)
        text += line(properties__source__ipAddress=f"203.0.113.{number}", **fields)
        outbound = {"fullyQualifiedDomainName": hostile, "resourceId": hostile}
        text += line(
            category="NspPublicOutboundResourceRulesAllowed",
            properties__destination=outbound,
            properties__source=None,
            **fields,
        )
        text += line(category="NspPublicNew" + hostile, **fields)
    (tmp_path / "x.json").write_text(text)
    out(tmp_path, "ingest", "folder", "x.json")
    commands = [["traffic", "--by", by] for by in BY] + [["recommend"], ["coverage"], ["query", "coverage/perimeters"]]
    for words in commands:
        code = 3 if words == ["recommend"] else 0
        shown = out(tmp_path, *words, code=code)
        assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f\u202a-\u202e]", shown), words
        json.loads(out(tmp_path, *words, "-f", "json", code=code))
        exported = out(tmp_path, *words, "-f", "csv", code=code)
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b\u2028-\u202e]", exported), words
        cells = pl.read_csv(exported.encode(), infer_schema=False)
        for column in cells.columns:
            for cell in cells[column].to_list():
                assert not re.match(r"\s*([=+@＝＋－＠]|-(?!\d+(\.\d+)?$))", cell or ""), (words, column, cell)  # noqa: RUF001


def test_installed_wheel_runs_the_demo_outside_the_repository(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(tmp_path), str(ROOT)]
    subprocess.run(build, check=True, capture_output=True, timeout=300)
    (wheel,) = tmp_path.glob("*.whl")
    target = tmp_path / "site"
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(target), str(wheel)]
    subprocess.run(install, check=True, capture_output=True, timeout=300)
    assert (target / "pipeline" / "review" / "page" / "assets" / "page.js").exists()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    code = (
        "import sys, pipeline; site, *words = sys.argv[1:]; assert site in pipeline.__file__, pipeline.__file__; "
        "from pipeline.cli import main; main(words)"
    )

    def run(*words: str) -> str:
        result = subprocess.run(
            [sys.executable, "-c", code, str(target), *words], cwd=elsewhere, capture_output=True, text=True,
            env=os.environ | {"PYTHONPATH": str(target)}, timeout=120, check=False,
        )  # fmt: skip
        assert result.returncode == 0, result.stderr
        return result.stdout

    assert "NOT READY" in run("demo", "--records", "2000")
    assert "not ready to be enforced" in run("--store", ".nsp-demo", "report")
