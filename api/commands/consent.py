"""`framegate consent` and `framegate optout`: who may show whose likeness, and who is never shown."""

from __future__ import annotations

import getpass
from datetime import UTC, datetime
from typing import Annotated

import typer

from api.settings import Settings
from api.terminal import LOCAL, print_json, say
from api.views import Json, consent_view, opt_out_view
from api.wiring import House, open_house

consent = typer.Typer(no_args_is_help=True, help="Who may show whose likeness, until when.")
optout = typer.Typer(no_args_is_help=True, help="People who are never shown nor named, whoever asks.")

AsJson = Annotated[bool, typer.Option("--json", help="One JSON object a line on stdout.")]
Names = Annotated[list[str], typer.Argument(help="The person's name, and other names and spellings of it.")]
Ended = Annotated[bool, typer.Option("--all", help="Ended ones too; their names are erased.")]


@consent.command()
def grant(
    names: Names,
    *,
    to: Annotated[str, typer.Option(help="Who may: id of an API key, or `local` for the command line.")],
    until: Annotated[datetime | None, typer.Option(help="Not in force from this time on (UTC).")] = None,
    as_json: AsJson = False,
) -> None:
    """Record that a requester may show this person."""
    end = until if until is None or until.tzinfo is not None else until.replace(tzinfo=UTC)
    with open_house(Settings()) as house:
        _require_requester(house, to)
        granted = house.likeness.grant(names, to, until=end, actor=getpass.getuser())
    _tell(consent_view(granted), as_json=as_json)


@consent.command("revoke")
def revoke(id_: Annotated[str, typer.Argument(metavar="ID", help="Id of the consent.")]) -> None:
    """End a consent at once and erase its names."""
    with open_house(Settings()) as house:
        house.likeness.revoke(id_, actor=getpass.getuser())
    say(f"consent {id_} is revoked; its names are erased")


@consent.command("list")
def list_consents(*, ended: Ended = False, as_json: AsJson = False) -> None:
    """List consents, oldest first."""
    with open_house(Settings()) as house:
        found = house.likeness.consents(ended=ended)
    for each in found:
        _tell(consent_view(each), as_json=as_json)
    if not found and not as_json:
        say("no consent is registered")


@optout.command()
def add(names: Names, *, as_json: AsJson = False) -> None:
    """Refuse this person's name from now on, listed or not."""
    with open_house(Settings()) as house:
        added = house.likeness.opt_out(names, actor=getpass.getuser())
    _tell(opt_out_view(added), as_json=as_json)


@optout.command()
def remove(id_: Annotated[str, typer.Argument(metavar="ID", help="Id of the opt-out.")]) -> None:
    """End an opt-out and erase its names."""
    with open_house(Settings()) as house:
        house.likeness.remove_opt_out(id_, actor=getpass.getuser())
    say(f"opt-out {id_} is removed; its names are erased")


@optout.command("list")
def list_opt_outs(*, ended: Ended = False, as_json: AsJson = False) -> None:
    """List opt-outs, oldest first."""
    with open_house(Settings()) as house:
        found = house.likeness.opt_outs(ended=ended)
    for each in found:
        _tell(opt_out_view(each), as_json=as_json)
    if not found and not as_json:
        say("nobody has opted out")


def _require_requester(house: House, id_: str) -> None:
    """Refuse to give a consent to nobody: a misspelt id would excuse no one and look granted."""
    if id_ != LOCAL and all(key.id != id_ or key.revoked_at is not None for key in house.keys.list()):
        raise typer.BadParameter(f"no API key in force has the id {id_}: see `framegate keys list`, or give `{LOCAL}`")


def _tell(view: Json, *, as_json: bool) -> None:
    if as_json:
        print_json(view)
        return
    names = ", ".join(view["names"]) or "(names erased)"
    to = f"  to {view['requester']}  until {view['until'] or 'revoked'}" if "requester" in view else ""
    say(f"{view['id']}  {names}{to}")
