"""`framegate person`: who is recognised in pictures and videos. Faces are kept as numbers and sealed, photos never."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import Annotated

import typer

from api.erasing import remove_person
from api.settings import Settings
from api.terminal import print_json, say
from api.views import Json, person_view
from api.wiring import open_house

app = typer.Typer(no_args_is_help=True, help="Known persons: who is recognised in pictures and videos.")

AsJson = Annotated[bool, typer.Option("--json", help="One JSON object a line on stdout.")]


@app.command()
def enrol(
    name: Annotated[str, typer.Argument(help="The person's name, as in the registry of consents.")],
    photos: Annotated[list[Path], typer.Argument(help="Photos of this person alone; three or more, none is kept.")],
    *,
    also: Annotated[list[str] | None, typer.Option(help="Another name or spelling; may be repeated.")] = None,
    as_json: AsJson = False,
) -> None:
    """Recognise this person from now on. Without a consent in force, whatever shows them is refused."""
    with open_house(Settings()) as house:
        enrolled = house.enrol([name, *(also or [])], photos, actor=getpass.getuser())
    _tell(person_view(enrolled), as_json=as_json)


@app.command("list")
def list_persons(
    *,
    removed: Annotated[bool, typer.Option("--all", help="Removed ones too; their names are erased.")] = False,
    as_json: AsJson = False,
) -> None:
    """List who is enrolled, oldest first."""
    with open_house(Settings()) as house:
        found = house.gallery.people(removed=removed)
    for each in found:
        _tell(person_view(each), as_json=as_json)
    if not found and not as_json:
        say("nobody is enrolled: no face is looked for")


@app.command()
def remove(id_: Annotated[str, typer.Argument(metavar="ID", help="Id of the person.")]) -> None:
    """Recognise a person no more, and erase the name and the face. Needs no key."""
    with open_house(Settings()) as house:
        remove_person(house, id_, actor=getpass.getuser())
    say(f"{id_} is looked for no more; name and face are erased")


def _tell(view: Json, *, as_json: bool) -> None:
    if as_json:
        print_json(view)
        return
    names = ", ".join(view["names"]) or "(names erased)"
    say(f"{view['id']}  {names}  {view['photos']} photos{'  (removed)' if view['removed_at'] else ''}")
