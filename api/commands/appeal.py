"""`framegate appeal`: have a decision looked at again, answer, and collect what was overturned for evaluation."""

from __future__ import annotations

import getpass
import json
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from api.desk_views import appeal_view
from api.settings import Settings
from api.settling import job_behind, reopen
from api.terminal import print_json, say
from api.wiring import House, open_house
from safety.domain import Decision
from safety.lookup.appeals import Appeal
from safety.revisions import text_behind

app = typer.Typer(no_args_is_help=True, help="Have a decision looked at again, and answer appeals.")

AsJson = Annotated[bool, typer.Option("--json", help="One JSON object a line on stdout.")]
Who = Annotated[str, typer.Option(help="Who does this; default: the login name.")]


class State(StrEnum):
    """What `--state` takes."""

    OPEN = "open"
    UPHELD = "upheld"
    OVERTURNED = "overturned"
    WITHDRAWN = "withdrawn"


@app.command("file")
def file_(
    decision: Annotated[str, typer.Argument(help="Id of the decision.")],
    reason: Annotated[str, typer.Option(help="Why it is wrong; recorded for good.")],
    *,
    by: Who = "",
    as_json: AsJson = False,
) -> None:
    """Appeal a decision. It is recorded with a deadline."""
    with open_house(Settings()) as house:
        _tell(house.appeals.file(decision, by=by or getpass.getuser(), reason=reason), as_json=as_json)


@app.command("list")
def list_(
    *,
    state: Annotated[State, typer.Option(help="Where they stand.")] = State.OPEN,
    overdue: Annotated[bool, typer.Option("--overdue", help="Only open ones past their deadline.")] = False,
    as_json: AsJson = False,
) -> None:
    """List appeals, oldest first."""
    with open_house(Settings()) as house:
        found = house.appeals.overdue() if overdue else house.appeals.list(state.value)
    for appeal in found:
        _tell(appeal, as_json=as_json)
    if not found and not as_json:
        say("no such appeal")


@app.command()
def show(appeal: Annotated[str, typer.Argument(help="Id of an appeal.")], *, as_json: AsJson = False) -> None:
    """Show where an appeal stands."""
    with open_house(Settings()) as house:
        _tell(house.appeals.get(appeal), as_json=as_json)


@app.command()
def answer(
    appeal: Annotated[str, typer.Argument(help="Id of an open appeal.")],
    reason: Annotated[str, typer.Option(help="Why; recorded for good.")],
    *,
    overturn: Annotated[bool, typer.Option("--overturn/--uphold", help="The decision was wrong, or stands.")],
    code: Annotated[str, typer.Option(help="Reason code.")] = "other",
    reviewer: Who = "",
    as_json: AsJson = False,
) -> None:
    """Answer an appeal against somebody else's decision; overturned, a new decision supersedes it."""
    with open_house(Settings()) as house:
        name = reviewer or getpass.getuser()
        answered = house.appeals.answer(appeal, overturn=overturn, reviewer=name, reason=reason, code=code)
        if answered.replacement is not None and (decided := house.ledger.decision(answered.replacement)) is not None:
            reopen(house, decided)
    _tell(answered, as_json=as_json)


@app.command()
def withdraw(
    appeal: Annotated[str, typer.Argument(help="Id of one's open appeal.")],
    *,
    reason: Annotated[str, typer.Option(help="Why.")] = "withdrawn",
    by: Who = "",
    as_json: AsJson = False,
) -> None:
    """Withdraw one's own appeal."""
    with open_house(Settings()) as house:
        _tell(house.appeals.withdraw(appeal, by=by or getpass.getuser(), reason=reason), as_json=as_json)


@app.command()
def regressions(
    out: Annotated[Path | None, typer.Option(help="File; default: stdout.")] = None,
) -> None:
    """Write overturned decisions about prompts as labelled rows for `framegate evaluate prompts`.

    Rows hold the prompts: keep the file as you keep them. Where a prompt was erased there is no row.
    """
    with open_house(Settings()) as house:
        rows = list(house.appeals.regressions(partial(_text, house)))
    if out is None:
        for row in rows:
            print_json(row)
    else:
        out.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
        say(f"{len(rows)} rows in {escape(str(out))}")


def _text(house: House, decision: Decision) -> str | None:
    job = job_behind(house, decision)
    return text_behind(job, decision) or None if job is not None else None


def _tell(appeal: Appeal, *, as_json: bool) -> None:
    if as_json:
        print_json(appeal_view(appeal))
        return
    answer_ = f", by {appeal.answered_by}: {appeal.answer}" if appeal.answered_by else f", due {appeal.due:%Y-%m-%d}"
    say(escape(f"{appeal.id} against {appeal.decision} by {appeal.by}: {appeal.reason} ({appeal.state}{answer_})"))
