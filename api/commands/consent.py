"""`framegate consent` and `framegate optout`: who may show whose likeness, and who is never shown."""

from __future__ import annotations

import getpass
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Annotated

import typer

from api.consenting import grant_consent
from api.settings import Settings
from api.terminal import print_json, say
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
    _begin(lambda house, actor: consent_view(grant_consent(house, names, to, until=end, actor=actor)), as_json=as_json)


@consent.command("revoke")
def revoke(id_: Annotated[str, typer.Argument(metavar="ID", help="Id of the consent.")]) -> None:
    """End a consent at once and erase its names."""
    _end(lambda house, actor: house.likeness.revoke(id_, actor=actor), f"consent {id_} is revoked")


@consent.command("list")
def list_consents(*, ended: Ended = False, as_json: AsJson = False) -> None:
    """List consents, oldest first."""
    with open_house(Settings()) as house:
        found = [consent_view(each) for each in house.likeness.consents(ended=ended)]
    _tell_all(found, "no consent is registered", as_json=as_json)


@optout.command()
def add(names: Names, *, as_json: AsJson = False) -> None:
    """Refuse this person's name from now on, listed or not."""
    _begin(lambda house, actor: opt_out_view(house.likeness.opt_out(names, actor=actor)), as_json=as_json)


@optout.command()
def remove(id_: Annotated[str, typer.Argument(metavar="ID", help="Id of the opt-out.")]) -> None:
    """End an opt-out and erase its names."""
    _end(lambda house, actor: house.likeness.remove_opt_out(id_, actor=actor), f"opt-out {id_} is removed")


@optout.command("list")
def list_opt_outs(*, ended: Ended = False, as_json: AsJson = False) -> None:
    """List opt-outs, oldest first."""
    with open_house(Settings()) as house:
        found = [opt_out_view(each) for each in house.likeness.opt_outs(ended=ended)]
    _tell_all(found, "nobody has opted out", as_json=as_json)


def _begin(register: Callable[[House, str], Json], *, as_json: bool) -> None:
    """Register something in the name of whoever is logged in, and show it."""
    with open_house(Settings()) as house:
        registered = register(house, getpass.getuser())
    _tell(registered, as_json=as_json)


def _end(end: Callable[[House, str], None], done: str) -> None:
    with open_house(Settings()) as house:
        end(house, getpass.getuser())
    say(f"{done}; its names are erased")


def _tell_all(views: Sequence[Json], none: str, *, as_json: bool) -> None:
    for view in views:
        _tell(view, as_json=as_json)
    if not views and not as_json:
        say(none)


def _tell(view: Json, *, as_json: bool) -> None:
    if as_json:
        print_json(view)
        return
    names = ", ".join(view["names"]) or "(names erased)"
    to = f"  to {view['requester']}  until {view['until'] or 'revoked'}" if "requester" in view else ""
    say(f"{view['id']}  {names}{to}")
