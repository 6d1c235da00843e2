"""`framegate review`: see what waits for a person, look at it, and decide it."""

from __future__ import annotations

import getpass
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from api.commands.jobs import outcome_view, run_here, tell
from api.desk_views import claim_view, standing_view, waiting_view
from api.revealing import Hold, hold_of, look_at_file, look_at_prompt, look_at_soft_copy, look_at_still, write_soft
from api.settings import Settings
from api.settling import job_behind, reopen, settle
from api.terminal import LOCAL, explain, print_json, say
from api.views import decision_view
from api.wiring import House, open_house
from media.errors import StorageError
from safety.domain import Action, JobStatus
from safety.errors import NotFound
from safety.framegate import write_released
from safety.review import REASON_CODES

app = typer.Typer(no_args_is_help=True, help="See what waits for a person, and decide it.")

AsJson = Annotated[bool, typer.Option("--json", help="One JSON object a line on stdout.")]


@app.command("list")
def list_(*, as_json: AsJson = False) -> None:
    """List the decisions that hold something, the most urgent first, with who works on them."""
    with open_house(Settings()) as house:
        holds = house.review.queue()
    for waiting in holds:
        if as_json:
            print_json(waiting_view(waiting))
            continue
        explain(waiting.decision)
        if waiting.claim is not None:
            say(f"  {escape(waiting.claim.reviewer)} works on it until {waiting.claim.until:%H:%M} UTC")
    if not holds and not as_json:
        say("nothing waits for review")


@app.command()
def claim(
    decision: Annotated[str, typer.Argument(help="Id of a hold; default: the most urgent that nobody has.")] = "",
    *,
    minutes: Annotated[int, typer.Option(help="For how long.", min=1, max=240)] = 15,
    reviewer: Annotated[str, typer.Option(help="Who works on it; default: the login name.")] = "",
    put_back: Annotated[bool, typer.Option("--put-back", help="End one's claim instead.")] = False,
    as_json: AsJson = False,
) -> None:
    """Take a hold to work on: nobody else can decide it meanwhile. Again for longer."""
    name = reviewer or getpass.getuser()
    with open_house(Settings()) as house:
        if put_back:
            house.review.put_back(decision, name)
            return
        house.exposure.require(name)
        taken = house.review.claim(name, decision or None, timedelta(minutes=minutes))
        held = house.ledger.decision(taken.decision)
    if as_json:
        print_json(claim_view(taken))
        return
    if held is not None:
        explain(held)
    say(f"{escape(taken.decision)} is yours until {taken.until:%H:%M} UTC")


@app.command()
def exposure(
    *, reviewer: Annotated[str, typer.Option(help="Who; default: the login name.")] = "", as_json: AsJson = False
) -> None:
    """Say how much somebody looked at in 24 hours, and whether a break is due."""
    with open_house(Settings()) as house:
        told = house.exposure.of(reviewer or getpass.getuser())
    if as_json:
        print_json(standing_view(told))
        return
    say(f"{told.looks} looks in 24 hours")
    if told.wait_until is not None:
        say(f"{told.why}: rest until {told.wait_until:%H:%M} UTC")


@app.command()
def undo(
    decision: Annotated[str, typer.Argument(help="Id of a reviewer's decision.")],
    reason: Annotated[str, typer.Option(help="Why; recorded for good.")],
    *,
    code: Annotated[str, typer.Option(help="Reason code.")] = "mistake",
    reviewer: Annotated[str, typer.Option(help="Who takes it back; default: the login name.")] = "",
    as_json: AsJson = False,
) -> None:
    """Take a reviewer's decision back while nothing went on from it: the hold waits again. Both stay recorded."""
    with open_house(Settings()) as house:
        reopened = house.review.undo(decision, reviewer=reviewer or getpass.getuser(), reason=reason, code=code)
        reopen(house, reopened)
    if as_json:
        print_json(decision_view(reopened))
    else:
        explain(reopened)


@app.command()
def show(
    decision: Annotated[str, typer.Argument(help="Id of the decision that holds.")],
    out: Annotated[Path | None, typer.Option(help="Where the held video is written.")] = None,
    *,
    stills: Annotated[
        Path | None, typer.Option(help="Folder for the blurred pictures of what was found, one for each place.")
    ] = None,
    soft: Annotated[
        bool, typer.Option("--soft/--clear", help="Write it in grey, small, out of focus and silent, or as it is.")
    ] = True,
    reviewer: Annotated[str, typer.Option(help="Who looks; default: the login name.")] = "",
    as_json: AsJson = False,
) -> None:
    """Look at what is held: findings, prompt, blurred pictures (--stills), the video (--out). Looks are recorded."""
    name = reviewer.strip() or getpass.getuser()
    with open_house(Settings()) as house:
        hold = hold_of(house, decision)
        prompt = look_at_prompt(house, hold, name)
        if out is not None and soft:
            write_soft(look_at_soft_copy(house, hold, name), out)
        elif out is not None:
            write_released(look_at_file(house, hold, name), out)
        drawn = [] if stills is None else _write_stills(house, hold, name, stills)
    if as_json:
        file = {} if out is None else {"file": str(out)}
        files = {} if stills is None else {"stills": [str(path) for path in drawn]}
        print_json({**decision_view(hold.decision), "prompt": prompt, "content": hold.has_file, **file, **files})
        return
    explain(hold.decision)
    if prompt is not None:
        say(f"  prompt {escape(repr(prompt))}")  # repr: what a stranger wrote does not steer the terminal
    if out is not None:
        how = "soft; as it is with --clear" if soft else "as it is"
        say(f"wrote {escape(str(out))}, {how}: held, neither signed nor released")
    elif hold.has_file:
        say("see the video with: --out FILE")
    for path in drawn:
        say(f"wrote {escape(str(path))}: blurred")
    if hold.decision.measurement.stills and stills is None:
        say("see blurred pictures of what was found with: --stills FOLDER")
    elif stills is not None and not drawn:
        say("no picture of what was found is kept")


def _write_stills(house: House, hold: Hold, reviewer: str, folder: Path) -> list[Path]:
    """Write the pictures that the record names, each named by its second; those that were erased are left out.

    Raises:
        StorageError: the folder cannot be written.
    """
    written: list[Path] = []
    for still in sorted(hold.decision.measurement.stills, key=lambda each: each.time_s):
        try:
            jpeg = look_at_still(house, hold, still.sha256, reviewer)
        except NotFound:
            continue
        path = folder / f"{still.time_s:.3f}s.jpg"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            path.write_bytes(jpeg)
        except OSError as error:
            raise StorageError(f"{path} cannot be written: {error.strerror}") from error
        written.append(path)
    return written


@app.command()
def decide(
    decision: Annotated[str, typer.Argument(help="Id of the decision that holds.")],
    reason: Annotated[str, typer.Option(help="Why; recorded for good.")],
    *,
    allow: Annotated[bool, typer.Option("--allow/--refuse", help="Let it pass, or refuse it.")],
    code: Annotated[str, typer.Option(help=f"Why, for counting: {', '.join(REASON_CODES)}.")] = "other",
    reviewer: Annotated[str, typer.Option(help="Who decides; default: the login name.")] = "",
    as_json: AsJson = False,
) -> None:
    """Decide a hold: a superseding Decision is recorded, and an allowed job goes on where it stopped."""
    with open_house(Settings()) as house:
        name = reviewer or getpass.getuser()
        decided = house.review.decide(decision, allow=allow, reviewer=name, reason=reason, code=code)
        job = job_behind(house, decided)
        if job is None or job.requester != LOCAL or not allow:
            if as_json:
                print_json(decision_view(decided))
            else:
                explain(decided)
            settled = settle(house, decided)
            if settled is not None and settled.status is JobStatus.QUEUED:
                say(f"job {escape(settled.id)} is queued again; a worker takes it on")
            raise typer.Exit
        outcome = run_here(house, job.id)
        view = outcome_view(house, job.id, outcome)
    if outcome.decision.verdict.action is Action.ALLOW:
        say(f"fetch it with: framegate fetch {escape(job.id)} --out FILE.mp4")
    raise typer.Exit(tell(view, outcome, as_json=as_json))
