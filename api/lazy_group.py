"""Groups of commands that import a command's module when somebody asks for it: the other commands cost nothing."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, ClassVar

import typer
from typer.core import TyperGroup

if TYPE_CHECKING:
    from typer._click.core import Command, Context  # typer carries its own click


class LazyGroup(TyperGroup):
    """A group whose commands stand in a table of names and places."""

    places: ClassVar[Mapping[str, str]] = {}
    """Command → `module:attribute`, a function or a `typer.Typer`."""

    def list_commands(self, ctx: Context) -> list[str]:
        """Every name, in the order of the table."""
        return list(self.places)

    def get_command(self, ctx: Context, cmd_name: str) -> Command | None:
        """Import a command; None if the table does not name it."""
        if cmd_name not in self.places:
            return None
        module, attribute = self.places[cmd_name].split(":")
        made = getattr(import_module(module), attribute)
        if isinstance(made, typer.Typer):
            command: Command = typer.main.get_group(made)
        else:
            alone = typer.Typer(add_completion=False)
            alone.command()(made)
            command = typer.main.get_command(alone)
        command.name = cmd_name
        return command
