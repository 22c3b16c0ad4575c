"""Reads calls of az with Azure CLI's own parser: argument lists as JSON on stdin; what each gives, or what is wrong.

Runs in .venv-az. The command is declared as the extension nsp declares it (azure-cli-extensions, src/nsp,
profile/access_rule/_create.py); --subscription as Azure CLI adds it to every command.
"""

import argparse
import json
import sys
from types import MappingProxyType
from typing import Any

from azure.cli.core import AzCommandsLoader
from azure.cli.core.aaz import AAZCommand, AAZListArg, AAZObjectArg, AAZResourceGroupNameArg, AAZStrArg
from azure.cli.core.azclierror import AzCLIError
from azure.cli.core.mock import DummyCli
from azure.cli.core.parser import AzCliCommandParser

NAMES = {"access_rule_name": ["-n", "--name"], "perimeter_name": None, "profile_name": None}
LISTS = ("address_prefixes", "fqdn", "service_tags", "email_addresses", "phone_numbers")


class Create(AAZCommand):  # type: ignore[misc]
    AZ_NAME = "network perimeter profile access-rule create"
    AZ_HELP = MappingProxyType({"type": "command", "short-summary": ""})
    AZ_PREVIEW_INFO = AZ_EXPERIMENTAL_INFO = command_source = None

    @classmethod
    def _build_arguments_schema(cls, *args: Any, **kwargs: Any) -> Any:
        schema = super()._build_arguments_schema(*args, **kwargs)
        for name, options in NAMES.items():
            setattr(schema, name, AAZStrArg(options=options, required=True))
        schema.resource_group = AAZResourceGroupNameArg(required=True)
        schema.direction = AAZStrArg(enum={"Inbound": "Inbound", "Outbound": "Outbound"})
        for name in LISTS:
            setattr(schema, name, AAZListArg())
            getattr(schema, name).Element = AAZStrArg()
        schema.subscriptions = AAZListArg()
        schema.subscriptions.Element = AAZObjectArg()
        schema.subscriptions.Element.id = AAZStrArg(options=["id"])
        return schema


def parser() -> AzCliCommandParser:
    cli = DummyCli()
    loader = AzCommandsLoader(cli)
    command = Create(loader)
    command.load_arguments()
    command.add_argument("_subscription", "--subscription", help="")
    loader.command_table[Create.AZ_NAME] = command
    made = AzCliCommandParser(cli_ctx=cli, parents=[AzCliCommandParser.create_global_parser(cli_ctx=cli)])
    made.load_command_table(loader)
    return made


def given(words: argparse.Namespace) -> dict[str, Any]:
    found = {"subscription": words._subscription}
    for name in (*NAMES, *LISTS, "resource_group", "direction", "subscriptions"):
        if operations := getattr(getattr(words, name, None), "_ops", None):
            ((_, found[name]),) = operations
    return found


def main() -> None:
    az = parser()
    answers: list[dict[str, Any]] = []
    for call in json.load(sys.stdin):
        try:
            answers.append({"given": given(az.parse_args(call))})
        except (AzCLIError, SystemExit) as error:
            answers.append({"wrong": str(error)})
    json.dump(answers, sys.stdout)


main()
