"""A command costs the modules that it needs, not those of the others; every place in the tables holds a command."""

from __future__ import annotations

import subprocess
import sys

import pytest
import typer

from api.cli import Commands, Evaluations
from api.lazy_group import LazyGroup

HEAVY = ("dbos", "uvicorn", "fastapi", "torch", "diffusers", "sklearn", "scipy")

LOADED = f"""
import sys
from typer.testing import CliRunner
from api.cli import app
done = CliRunner().invoke(app, ["ledger", "verify", "--help"])
assert done.exit_code == 0, done.output
print(*(name for name in {HEAVY} if name in sys.modules))
"""


def test_one_command_does_not_load_what_the_others_need() -> None:
    ran = subprocess.run([sys.executable, "-c", LOADED], capture_output=True, text=True, check=True)

    assert ran.stdout.split() == []


@pytest.mark.parametrize("group", [Commands, Evaluations])
def test_every_place_holds_a_command_with_a_description(group: type[LazyGroup]) -> None:
    made = group(name="any")
    context = typer.Context(made)

    for name in made.list_commands(context):
        command = made.get_command(context, name)
        assert command is not None
        assert command.name == name
        assert command.help


def test_a_command_that_no_table_names_is_unknown() -> None:
    group = Commands(name="any")

    assert group.get_command(typer.Context(group), "nope") is None
