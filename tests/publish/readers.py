"""Reads rules back out of each form, with the strictest tool there is for it.

Bicep by pycep (a Lark grammar of Bicep), HCL by HashiCorp's own parser, PowerShell by its tree-sitter grammar, the bash
script by running it, with an `az` that only notes what it is called with.
"""

import json
import re
import shlex
import shutil
import subprocess
from argparse import ArgumentParser
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import jsonschema
import pycep
import tree_sitter
import tree_sitter_powershell

from pipeline.inventory.items import KINDS
from pipeline.publish.terraform import ARGUMENTS, RESOURCE
from pipeline.recommend.access_rule import AccessRule, access_rule, of_item
from tests.publish.samples import perimeter
from tests.services.azurite import INSTALL, SERVICES

Rules = list[AccessRule]
SCHEMA = json.loads((Path(__file__).parent / "template.schema.json").read_text())


def _rule(place: tuple[str, str], name: str, properties: dict[str, Any]) -> AccessRule:
    (field,) = (each for each in properties if each != "direction")
    elements = [each["id"] if isinstance(each, dict) else each for each in properties[field]]
    return access_rule(place, name, properties["direction"], KINDS[field], elements)


def arm(text: str) -> Rules:
    """A template as its schema has it, deployed where it says."""
    template = json.loads(text)
    jsonschema.Draft202012Validator(SCHEMA).validate(template)
    group, subscription = template["metadata"]["resourceGroup"], template["metadata"]["subscription"]
    found = []
    for resource in template["resources"]:
        owner, profile, name = resource["name"].split("/")
        found.append(_rule((perimeter(owner, group, subscription), profile), name, resource["properties"]))
    return found


_ESCAPE = re.compile(r"\\(?:u\{([0-9a-f]+)\}|(.))", re.DOTALL)


def unescaped(value: Any) -> Any:
    """A value as Bicep's compiler takes it; pycep leaves escapes as they are."""
    if isinstance(value, dict):
        return {key: unescaped(item) for key, item in value.items()}
    if isinstance(value, list):
        return [unescaped(item) for item in value]
    if re.search(r"(?<!\\)(\\\\)*\$\{", value):
        raise AssertionError(f"{value} is interpolated")
    return _ESCAPE.sub(lambda match: chr(int(match[1], 16)) if match[1] else match[2], value)


@cache
def _bicep() -> pycep.BicepParser:
    return pycep.BicepParser()


def bicep(text: str) -> Rules:
    """A file, deployed by the command that it names."""
    (deploy,) = (line for line in text.split("\n") if line.startswith("// az deployment group create "))
    words = ArgumentParser(exit_on_error=False)
    words.add_argument("--subscription")
    words.add_argument("--resource-group")
    words.add_argument("--template-file")
    given = words.parse_args(shlex.split(deploy.removeprefix("// az deployment group create ")))
    content = _bicep().parse(text=text)
    assert set(content) == {"globals", "resources"}
    resources = content["resources"]
    assert len(resources) == len(re.findall("^resource ", text, re.MULTILINE)), "two have one symbol"
    found = []
    for each in resources.values():
        if each["existing"]:
            continue
        assert each["type"] == "Microsoft.Network/networkSecurityPerimeters/profiles/accessRules"
        profile = resources[each["config"]["parent"]]
        owner = resources[profile["config"]["parent"]]
        assert owner["type"] == "Microsoft.Network/networkSecurityPerimeters"
        assert (owner["existing"], profile["existing"]) == (True, True)
        names = (unescaped(some["config"]["name"]) for some in (owner, profile, each))
        above, within, name = names
        place = perimeter(above, given.resource_group, given.subscription), within
        found.append(_rule(place, name, unescaped(each["config"]["properties"])))
    return found


def parsed_hcl(texts: Sequence[str]) -> list[dict[str, Any]]:
    """What HashiCorp's parser finds in each text."""
    node = shutil.which("node")
    if node is None or not (SERVICES / "node_modules" / "@cdktn" / "hcl2json").exists():
        raise AssertionError(f"HashiCorp's HCL parser isn't installed. Install node, then: {INSTALL}")
    command = [node, str(SERVICES / "hcl.js")]
    done = subprocess.run(command, input=json.dumps(texts), capture_output=True, text=True, check=True, timeout=120)
    return list(json.loads(done.stdout))


def terraform(content: dict[str, Any]) -> Rules:
    """The rules of parsed HCL."""
    assert set(content) <= {"resource", "import"}
    assert set(content["resource"]) == {RESOURCE}
    kinds = {argument: kind for kind, argument in ARGUMENTS.items()}
    found = []
    for blocks in content["resource"][RESOURCE].values():
        (block,) = blocks  # two of one label would be two blocks of it
        (argument,) = set(block) - {"name", "network_security_perimeter_profile_id", "direction"}
        owner, word, profile = block["network_security_perimeter_profile_id"].rsplit("/", 2)
        assert word == "profiles"
        assert re.match("/subscriptions/[^/]+/resourceGroups/[^/]+/providers/Microsoft.Network/", owner), "capitals"
        found.append(access_rule((owner, profile), block["name"], block["direction"], kinds[argument], block[argument]))
    return found


AZ = """#!/bin/bash
printf '%s\\0' "$#" "$@" >>"$RECORD"
"""


def ran(script: str, folder: Path) -> list[list[str]]:
    """What a script calls az with when bash runs it where nothing but az can be started; it may leave nothing else."""
    bin_, home = folder / "bin", folder / "home"
    bin_.mkdir(exist_ok=True)
    home.mkdir(exist_ok=True)
    (bin_ / "az").write_text(AZ)
    (bin_ / "az").chmod(0o755)
    record = folder / "record"
    record.write_bytes(b"")
    file = folder / "rules.sh"
    file.write_text(script)
    subprocess.run(["/bin/bash", "-n", str(file)], check=True, capture_output=True)
    done = subprocess.run(
        ["/bin/bash", str(file)], cwd=home, env={"PATH": str(bin_), "RECORD": str(record)}, capture_output=True,
        check=True, timeout=60,
    )  # fmt: skip
    assert (done.stdout, done.stderr) == (b"", b"")
    assert not list(home.iterdir())
    return list(_calls(record.read_text().split("\0")[:-1]))


def _calls(words: list[str]) -> Iterator[list[str]]:
    while words:
        count = int(words.pop(0))
        yield words[:count]
        del words[:count]


FIELDS = {
    "address_prefixes": "addressPrefixes",
    "subscriptions": "subscriptions",
    "service_tags": "serviceTags",
    "fqdn": "fullyQualifiedDomainNames",
}
AZ_PYTHON = SERVICES.parents[1] / ".venv-az" / "bin" / "python"


def az(calls: Sequence[Sequence[str]]) -> Rules:
    """The rules that calls of az create, read as a strict command line with JSON values."""
    words = ArgumentParser(exit_on_error=False, allow_abbrev=False)
    for name in ("subscription", "resource-group", "perimeter-name", "profile-name", "direction", "output"):
        words.add_argument(f"--{name}", required=True)
    words.add_argument("--name", required=True, dest="access_rule_name")
    for name in FIELDS:
        words.add_argument(f"--{name.replace('_', '-')}", type=json.loads)
    found = []
    for call in calls:
        assert list(call[:5]) == ["network", "perimeter", "profile", "access-rule", "create"]
        given = vars(words.parse_args(call[5:]))
        plain = {name: "null" if value == "'null'" else value for name, value in given.items()}
        found.append(_called(plain))
    return found


def azure_cli(calls: Sequence[Sequence[str]]) -> list[dict[str, Any]]:
    """What Azure CLI's own parser takes each call for, or what it finds wrong."""
    if not AZ_PYTHON.exists():
        raise AssertionError(
            "Azure CLI's parser isn't installed. Install it: make .venv-az/.ready   (make test does it)"
        )
    command = [str(AZ_PYTHON), str(SERVICES / "az_arguments.py")]
    with TemporaryDirectory() as folder:
        env = {"AZURE_CONFIG_DIR": folder, "AZURE_CORE_COLLECT_TELEMETRY": "no"}
        done = subprocess.run(
            command, input=json.dumps(calls), env=env, capture_output=True, text=True, check=True, timeout=120
        )
    return list(json.loads(done.stdout))


def az_by_azure_cli(calls: Sequence[Sequence[str]]) -> Rules:
    """The rules that calls of az create, as Azure CLI takes them."""
    return [_called(answer["given"]) for answer in azure_cli(calls)]


def _called(given: dict[str, Any]) -> AccessRule:
    values = {field: given[name] for name, field in FIELDS.items() if given.get(name)}
    place = perimeter(given["perimeter_name"], given["resource_group"], given["subscription"]), given["profile_name"]
    return _rule(place, given["access_rule_name"], {"direction": given["direction"], **values})


def powershell(script: str) -> Rules:
    """The rules that a script's calls create; nothing else stands in it."""
    source = script.removeprefix("\ufeff").encode()
    language = tree_sitter.Language(tree_sitter_powershell.language())
    root = tree_sitter.Parser(language).parse(source).root_node
    assert not root.has_error
    tokens = [(node.type, source[node.start_byte : node.end_byte].decode()) for node in _leaves(root)]
    code = [text for kind, text in tokens if kind != "comment" and text.strip()]
    head = ["Set-StrictMode", "-Version", "Latest", "$ErrorActionPreference", "=", "'Stop'"]
    assert code[: len(head)] == head
    del code[: len(head)]
    found = []
    while code:
        end = code.index("New-AzNetworkSecurityPerimeterAccessRule")
        assert code[end : end + 4] == ["New-AzNetworkSecurityPerimeterAccessRule", "@rule", "|", "Out-Null"]
        assert code[:2] == ["$rule", "="]
        given = _Tokens(code[2:end]).value()
        del code[: end + 4]
        place = (
            perimeter(given["SecurityPerimeterName"], given["ResourceGroupName"], given["SubscriptionId"]),
            given["ProfileName"],
        )
        if "JsonString" in given:
            properties = json.loads(given["JsonString"])["properties"]
        else:
            names = {
                "AddressPrefix": "addressPrefixes",
                "FullyQualifiedDomainName": "fullyQualifiedDomainNames",
                "Subscription": "subscriptions",
            }
            (name,) = set(names) & set(given)
            elements = [{"id": each["Id"]} if isinstance(each, dict) else each for each in given[name]]
            properties = {"direction": given["Direction"], names[name]: elements}
        found.append(_rule(place, given["Name"], properties))
    return found


def _leaves(node: tree_sitter.Node) -> Iterator[tree_sitter.Node]:
    if not node.children:
        yield node
    for child in node.children:
        yield from _leaves(child)


class _Tokens:
    """Reads strings, lists and tables of literals out of PowerShell's tokens."""

    def __init__(self, tokens: list[str]) -> None:
        self.left = tokens

    def value(self) -> Any:
        first = self.left.pop(0)
        if first == "@{":
            made = {}
            while self.left[0] != "}":
                key, equals = self.left.pop(0), self.left.pop(0)
                assert equals == "="
                made[key] = self.value()
            self.left.pop(0)
            return made
        if first == "@(":
            values = [self.value()]
            while self.left[0] == ",":
                self.left.pop(0)
                values.append(self.value())
            assert self.left.pop(0) == ")"
            return values
        return verbatim(first)


_QUOTES = "'\u2018\u2019\u201a\u201b"


def verbatim(token: str) -> str:
    """A single-quoted string as PowerShell takes it: it knows more single quotes than the grammar does."""
    assert re.fullmatch(f"'([^{_QUOTES}]|([{_QUOTES}])\\2)*'", token, re.DOTALL), token
    return re.sub(f"([{_QUOTES}])\\1", r"\1", token[1:-1])


def objects(text: str) -> Rules:
    """The rules of nsp's own JSON, each a resource as Azure has it."""
    found = []
    for item in json.loads(text)["accessRules"]:
        shape = {"$defs": SCHEMA["$defs"], "$ref": "#/$defs/properties"}
        jsonschema.Draft202012Validator(shape).validate(item["properties"])
        found.append(of_item(item))
    return found
