"""`framegate bank`: what must not pass again, by fingerprint. The hashes are kept, never the pictures."""

from __future__ import annotations

import getpass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from api.settings import Settings
from api.terminal import print_json, say
from api.views import Json, bank_view
from api.wiring import open_house
from safety.banking import new_item_of
from safety.errors import InvalidContent
from safety.exchange import read_items, write_items

app = typer.Typer(no_args_is_help=True, help="Banks of known content: what must not pass again.")

AsJson = Annotated[bool, typer.Option("--json", help="One JSON object a line on stdout.")]
BankId = Annotated[str, typer.Argument(metavar="BANK", help="Id of the bank.")]
Why = Annotated[str, typer.Option("--reason", help="Why; it stands in the ledger for good.")]


@app.command()
def create(
    bank: BankId,
    *,
    category: Annotated[str, typer.Option(help="The policy's category of everything in it.")],
    owner: Annotated[str, typer.Option(help="Who answers for its content: an organisation, a programme, a team.")],
    reason: Why,
    until: Annotated[datetime | None, typer.Option(help="Not looked for from this time on (UTC).")] = None,
    as_json: AsJson = False,
) -> None:
    """Make an empty bank."""
    end = until if until is None or until.tzinfo is not None else until.replace(tzinfo=UTC)
    with open_house(Settings()) as house:
        made = house.banks.create(
            bank, category=category, owner=owner, reason=reason, until=end, actor=getpass.getuser()
        )
    _tell(bank_view(made), as_json=as_json)


@app.command("list")
def list_banks(
    *, removed: Annotated[bool, typer.Option("--all", help="Removed ones too.")] = False, as_json: AsJson = False
) -> None:
    """List banks with the number of their items, oldest first."""
    with open_house(Settings()) as house:
        found = house.banks.banks(removed=removed)
    for each in found:
        _tell(bank_view(each), as_json=as_json)
    if not found and not as_json:
        say("there is no bank: nothing known is looked for")


@app.command()
def add(
    bank: BankId,
    files: Annotated[list[Path], typer.Argument(help="Videos or pictures: hashed in isolation, not kept.")],
    *,
    as_json: AsJson = False,
) -> None:
    """Look for these videos or pictures from now on."""
    with open_house(Settings()) as house:
        for file in files:
            item = new_item_of(file, house.limits)
            ids = house.banks.add(bank, [item], actor=getpass.getuser())
            view = {"file": file.name, "bank": bank, "item": ids[0] if ids else None, "frames": len(item.frames)}
            if as_json:
                print_json(view)
            else:
                say(f"{file.name}: {view['item'] or 'is there already'}  {len(item.frames)} frames")


@app.command("import")
def import_file(
    bank: BankId,
    file: Annotated[Path, typer.Argument(help="CSV, ThreatExchange JSON or HMA JSON of PDQ or vPDQ hashes.")],
    *,
    as_json: AsJson = False,
) -> None:
    """Take over hashes from a file of a hash-sharing programme: all of it or nothing."""
    try:
        reading = read_items(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise InvalidContent(f"{file} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise InvalidContent(f"{file} is not UTF-8 text") from error
    with open_house(Settings()) as house:
        ids = house.banks.add(bank, reading.items, actor=getpass.getuser())
    view = {
        "bank": bank,
        "added": len(ids),
        "there_already": len(reading.items) - len(ids),
        "other_types": reading.other_types,
        "harmless": reading.harmless,
    }
    if as_json:
        print_json(view)
        return
    say(f"{len(ids)} added, {view['there_already']} were there already")
    if reading.other_types or reading.harmless:
        say(f"passed over: {reading.other_types} of other types, {reading.harmless} that their owner calls harmless")


@app.command()
def export(
    bank: BankId,
    out: Annotated[Path, typer.Option(help="The file to write.")],
    *,
    as_: Annotated[str, typer.Option("--as", help="csv, threatexchange or hma.")] = "threatexchange",
) -> None:
    """Write a bank's hashes to a file for a hash-sharing programme."""
    with open_house(Settings()) as house:
        lines = write_items(house.banks.items(bank), as_)
        first = next(lines)
        try:
            with out.open("w", encoding="utf-8") as file:
                file.write(first)
                file.writelines(lines)
        except OSError as error:
            raise InvalidContent(f"{out} cannot be written: {error.strerror}") from error
    say(f"{bank} is written to {out}")


@app.command()
def remove(
    bank: BankId,
    item: Annotated[str | None, typer.Argument(help="Id of one item; without it, the whole bank.")] = None,
    *,
    reason: Why,
) -> None:
    """Look for an item or a whole bank no more, and erase its hashes."""
    with open_house(Settings()) as house:
        if item is None:
            house.banks.remove(bank, reason=reason, actor=getpass.getuser())
        else:
            house.banks.remove_item(bank, item, reason=reason, actor=getpass.getuser())
    say(f"{item or bank} is looked for no more; its hashes are erased")


def _tell(view: Json, *, as_json: bool) -> None:
    if as_json:
        print_json(view)
        return
    say(
        f"{view['id']}  {view['category']}  {view['items']} items  {view['owner']}  until {view['until'] or 'removed'}"
        f"{'  (removed)' if view['removed_at'] else ''}"
    )
