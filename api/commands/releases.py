"""`framegate release`: withdraw what was released, serve it again, and see what is withdrawn."""

from __future__ import annotations

import getpass
from typing import Annotated

import typer
from rich.markup import escape

from api.release_views import withdrawal_view
from api.settings import Settings
from api.terminal import print_json, say
from api.wiring import open_house
from safety.lookup.withdrawals import Withdrawal
from safety.withdrawals import CODES

app = typer.Typer(no_args_is_help=True, help="Withdraw what was released, and serve it again.")

AsJson = Annotated[bool, typer.Option("--json", help="One JSON object a line on stdout.")]
Id = Annotated[str, typer.Argument(metavar="ID", help="Id of the release.")]
Reason = Annotated[str, typer.Option(help="Why, in words: recorded for good, never shown to the public.")]


@app.command()
def withdraw(
    id_: Id,
    reason: Reason,
    code: Annotated[str, typer.Option(help=f"Why, in one word for everybody: {', '.join(CODES)}.")] = "other",
    *,
    erase: Annotated[bool, typer.Option("--erase", help="Delete its files too: they cannot be served again.")] = False,
    as_json: AsJson = False,
) -> None:
    """Recall a release: its content is not served any more, and who verifies a copy is told. Repeating it is safe."""
    with open_house(Settings()) as house:
        done = house.withdrawals.withdraw(id_, by=getpass.getuser(), reason=reason, code=code, erase=erase)
    _tell(done, as_json=as_json)


@app.command()
def restore(id_: Id, reason: Reason, *, as_json: AsJson = False) -> None:
    """Serve a withdrawn release again. Both events stay in the record."""
    with open_house(Settings()) as house:
        done = house.withdrawals.restore(id_, by=getpass.getuser(), reason=reason)
    _tell(done, as_json=as_json)


@app.command("withdrawn")
def list_withdrawn(
    *,
    limit: Annotated[int, typer.Option(help="How many, newest first.", min=1, max=1000)] = 200,
    as_json: AsJson = False,
) -> None:
    """List the releases that are withdrawn, newest first."""
    with open_house(Settings()) as house:
        found = house.withdrawals.in_force(limit)
    for each in found:
        _tell(each, as_json=as_json)
    if not found and not as_json:
        say("no release is withdrawn")


def _tell(event: Withdrawal, *, as_json: bool) -> None:
    if as_json:
        print_json(withdrawal_view(event))
    else:
        erased = ", files erased" if event.erased else ""
        say(f"{event.release} {event.state} {event.at:%F %T} by {escape(event.by)} ({event.code}{erased}): "
            f"{escape(event.reason)}")  # fmt: skip
