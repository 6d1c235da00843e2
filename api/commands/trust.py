"""`framegate trust`: whose credentials read as trusted, beside our own. Nothing is fetched: packs come from files."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from api.settings import Settings
from api.terminal import LOCAL, Exit, print_json, say
from api.views import Json
from api.wiring import open_house
from api.wiring.trust_packs import (
    Use,
    add_pack,
    aging,
    make_pack,
    pack_view,
    read_anchors,
    remove_pack,
    trust_folder,
)
from provenance.base import TrustPackError

app = typer.Typer(
    no_args_is_help=True, help="Trust packs: named, dated sets of anchors that credentials are read under."
)

AsJson = Annotated[bool, typer.Option("--json", help="One JSON object a line on stdout.")]
Name = Annotated[str, typer.Argument(help="Name of a trust pack.")]


@app.command("list")
def list_packs(*, as_json: AsJson = False) -> None:
    """List the trust packs. Exit 1 if one is damaged, missing, too old, or holds expired anchors."""
    settings = Settings()
    folder, in_force, faults = trust_folder(settings), set[str](), list[str]()
    try:
        in_force = {each.name for each in folder.packs()}
    except TrustPackError as error:
        faults.append(f"no pack is in force: {error}")
    for name in folder.names():
        try:
            pack = folder.get(name)
        except TrustPackError as error:
            faults.append(str(error))
            continue
        view = pack_view(pack, in_force=name in in_force, pinned=name in folder.pins)
        if name in in_force:
            faults += aging([pack], settings, datetime.now(UTC))
        if as_json:
            print_json(view)
        else:
            say(f"[bold]{escape(name)}[/]  {pack.dated}  {view['age_days']} days  {view['use']}  "
                f"{view['certificates']} anchors  {_standing(view)}")  # fmt: skip
            say(f"  {pack.digest}")
    if not folder.names() and not faults:
        say("no trust packs: only credentials under our own anchors read as trusted")
    for fault in faults:
        say(f"[red]{escape(fault)}[/]")
    raise typer.Exit(Exit.COULD_NOT if faults else Exit.DONE)


@app.command()
def add(
    name: Name,
    anchors: Annotated[Path, typer.Argument(help="PEM file of the roots.", exists=True, dir_okay=False, readable=True)],
    *,
    dated: Annotated[
        datetime, typer.Option(formats=["%Y-%m-%d"], help="The day its publisher dates it: its age counts from here.")
    ],
    use: Annotated[Use, typer.Option(help="What its anchors may vouch for.")] = Use.SIGNERS,
    source: Annotated[str, typer.Option(help="Where it is from, for people.")] = "",
    checksum: Annotated[
        str, typer.Option(help="The SHA-256 its publisher states of the file: another file is refused.")
    ] = "",
    replace: Annotated[bool, typer.Option(help="Instead of the pack of this name.")] = False,
    as_json: AsJson = False,
) -> None:
    """Believe the anchors in a file from now on. Running services take it up by themselves."""
    content = read_anchors(anchors)
    actual = hashlib.sha256(content).hexdigest()
    if checksum and checksum.lower().removeprefix("sha256:") != actual:
        raise TrustPackError(f"{anchors.name} has the SHA-256 {actual}, not the one that was stated; nothing was added")
    pack = make_pack(name, dated.date(), use, content, source=source, at=datetime.now(UTC))
    settings = Settings()
    with open_house(settings) as house:
        folder = trust_folder(settings)
        event = add_pack(house.ledger, folder, pack, replace=replace, by=LOCAL)
    pinned = folder.pins.get(name) == pack.digest
    view = pack_view(pack, in_force=pinned or not folder.pins, pinned=pinned)
    if as_json:
        print_json(view)
    else:
        say(f"{event} {escape(name)}: {view['certificates']} anchors for {use.value}, dated {pack.dated}")
        say(f"  to pin it: FRAMEGATE_TRUST_PINS={name}={pack.digest}")
        if not view["in_force"]:
            say("  [red]not in force: other packs are pinned, or another edition of this one[/]")
        for fault in aging([pack], settings, datetime.now(UTC)):
            say(f"  [red]{escape(fault)}[/]")


@app.command()
def show(name: Name, *, as_json: AsJson = False) -> None:
    """Show a trust pack and its anchors."""
    folder = trust_folder(Settings())
    pack = folder.get(name)
    in_force = False
    with suppress(TrustPackError):
        in_force = pack in folder.packs()
    view = pack_view(pack, in_force=in_force, pinned=name in folder.pins, anchors=True)
    if as_json:
        print_json(view)
        return
    say(f"[bold]{escape(name)}[/]  dated {pack.dated}, {view['age_days']} days ago; for {view['use']}; "
        f"{_standing(view)}")  # fmt: skip
    say(f"  {pack.digest}")
    if pack.source:
        say(f"  from {escape(pack.source)}")
    for each in view["anchors"]:
        say(f"  until {each['not_after'][:10]}  {escape(each['subject'])}")
        say(f"    [dim]sha256 {each['sha256']}[/]")


@app.command()
def remove(name: Name, *, as_json: AsJson = False) -> None:
    """Believe a trust pack no longer."""
    settings = Settings()
    with open_house(settings) as house:
        remove_pack(house.ledger, trust_folder(settings), name, by=LOCAL)
    if as_json:
        print_json({"object": "trust_pack", "name": name, "removed": True})
    else:
        say(f"removed {escape(name)}: what it alone vouched for is of an unknown issuer now")


def _standing(view: Json) -> str:
    return f"{'in force' if view['in_force'] else 'not in force'}{', pinned' if view['pinned'] else ''}"
