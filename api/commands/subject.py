"""`framegate subject`: erase what is kept of a person and prove it, or keep it because the law says so."""

from __future__ import annotations

import getpass
import json
from pathlib import Path
from typing import Annotated

import typer

from api.erasing import erase as erase_subject
from api.erasing import erasure_of, finish, reapply
from api.settings import Settings
from api.subject_views import legal_hold_view, subject_view
from api.terminal import print_json, say
from api.views import Json
from api.wiring import open_house
from media.errors import StorageError
from safety.errors import NotFound

app = typer.Typer(no_args_is_help=True, help="Whose data is kept: erase it with proof, or hold it for the law.")

AsJson = Annotated[bool, typer.Option("--json", help="One JSON object a line on stdout.")]
Who = Annotated[str, typer.Argument(help="Id of an API key, `local`, or the id of a subject (sub_…).")]
Person = Annotated[str, typer.Option(help="Whom the key named as `safety_identifier`.")]
Reason = Annotated[str, typer.Option(help="Why; recorded for good, so let it name nobody.")]


@app.command("list")
def list_(
    requester: Annotated[str, typer.Argument(help="Id of an API key, or `local`.")], *, as_json: AsJson = False
) -> None:
    """List the subjects of a requester: itself and the persons that it named, as ids."""
    with open_house(Settings()) as house:
        found = house.subjects.named_by(requester)
    for each in found:
        if as_json:
            print_json(subject_view(each))
        else:
            say(f"{each.id}  since {each.created_at:%Y-%m-%d}  last seen {each.used_at:%Y-%m-%d}")
    if not found and not as_json:
        say(f"nothing is kept of anybody for {requester}")


@app.command()
def erase(
    who: Who,
    *,
    reason: Reason,
    person: Person = "",
    everyone: Annotated[bool, typer.Option("--everyone", help="Also every person that this key named.")] = False,
    receipt: Annotated[Path | None, typer.Option(help="Write the receipt here (with --everyone: a folder).")] = None,
) -> None:
    """Destroy the key that a person's data is sealed with, delete their files, record it, and print the receipt.

    The ledger still verifies, and so does the receipt: python verify_export.py RECEIPT.json --key KEY
    """
    with open_house(Settings()) as house:
        found = [house.subjects.find(f"{who}/{person}" if person else who)] if not everyone else []
        if everyone and not (found := house.subjects.named_by(who)):
            raise NotFound(f"nothing is kept of anybody for {who}")
        for each in found:
            say(f"erasing {each.id}")  # after an interruption, this id is how to ask again
            done = erase_subject(house, each, actor=getpass.getuser(), reason=reason)
            print_json(done.to_json())
            if receipt is not None:
                _write(receipt, each.id, done.to_json(), everyone=everyone)


@app.command()
def show(
    subject: Annotated[str, typer.Argument(help="Id of a subject (sub_…), of an API key, or KEY/PERSON.")],
    *,
    as_json: AsJson = False,
) -> None:
    """Show since when data is kept, or the receipt of its erasure."""
    with open_house(Settings()) as house:
        found = house.subjects.find(subject)
        proof = erasure_of(house).receipt(found.id).to_json() if found.erased_at else None
    if as_json:
        print_json({**subject_view(found), "receipt": proof})
        return
    say(f"{found.id} of {found.requester}, since {found.created_at:%Y-%m-%d}, last seen {found.used_at:%Y-%m-%d}")
    if found.erased_at is not None:
        say(f"erased {found.erased_at:%Y-%m-%d %H:%M} UTC; --json prints the receipt")


@app.command("reapply")
def reapply_() -> None:
    """Erase again what a restored backup brought back, by the receipts in the home folder. Run it after a restore."""
    with open_house(Settings()) as house:
        finished = finish(house)
        count = reapply(house)
    say(f"{count} erased again, {finished} interrupted erasures finished")


@app.command()
def hold(
    target: Annotated[str, typer.Argument(help="Id of a subject, a job or a scan.")],
    *,
    reason: Annotated[str, typer.Option(help="Why, and by whose order; recorded for good.")],
    as_json: AsJson = False,
) -> None:
    """Place a legal hold: neither erasure nor retention touches it until lifted."""
    with open_house(Settings()) as house:
        placed = house.legal_holds.place(target, reason=reason, actor=getpass.getuser())
    if as_json:
        print_json(legal_hold_view(placed))
    else:
        say(f"{placed.id}: {target} is kept until `framegate subject lift {placed.id}`")


@app.command()
def lift(
    legal_hold: Annotated[str, typer.Argument(metavar="ID", help="Id of the legal hold.")],
    *,
    reason: Annotated[str, typer.Option(help="Why; recorded for good.")],
) -> None:
    """End a legal hold."""
    with open_house(Settings()) as house:
        house.legal_holds.lift(legal_hold, reason=reason, actor=getpass.getuser())
    say(f"legal hold {legal_hold} is lifted")


@app.command()
def holds(
    *,
    ended: Annotated[bool, typer.Option("--all", help="Lifted ones too.")] = False,
    as_json: AsJson = False,
) -> None:
    """List legal holds, oldest first."""
    with open_house(Settings()) as house:
        found = house.legal_holds.list(lifted=ended)
    for each in found:
        if as_json:
            print_json(legal_hold_view(each))
        else:
            state = f"lifted {each.lifted_at:%Y-%m-%d}" if each.lifted_at else "in force"
            say(f"{each.id}  {each.target}  since {each.placed_at:%Y-%m-%d}, {state}: {each.reason}")
    if not found and not as_json:
        say("no legal hold is in force")


def _write(receipt: Path, id_: str, proof: Json, *, everyone: bool) -> None:
    try:
        if everyone:
            receipt.mkdir(parents=True, exist_ok=True)
        (receipt / f"{id_}.json" if everyone else receipt).write_text(json.dumps(proof), encoding="utf-8")
    except OSError as error:
        raise StorageError(
            f"erased and recorded, but the receipt cannot be written to {receipt}: {error.strerror}; "
            f"print it again with `framegate subject show {id_} --json`"
        ) from error
