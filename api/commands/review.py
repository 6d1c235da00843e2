"""`framegate review`: see what waits for a person, look at it, and decide it."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from api.commands.jobs import LOCAL, outcome_view, run_here, tell
from api.revealing import hold_of, look_at_file, look_at_prompt
from api.settings import Settings
from api.settling import job_behind, settle
from api.terminal import explain, print_json, say
from api.views import decision_view
from api.wiring import open_house
from safety.domain import Action, JobStatus
from safety.framegate import write_released

app = typer.Typer(no_args_is_help=True, help="See what waits for a person, and decide it.")

AsJson = Annotated[bool, typer.Option("--json", help="One JSON object a line on stdout.")]


@app.command("list")
def list_(*, as_json: AsJson = False) -> None:
    """List the decisions that hold something, oldest first."""
    with open_house(Settings()) as house:
        holds = house.review.holds()
    for decision in holds:
        if as_json:
            print_json(decision_view(decision))
        else:
            explain(decision)
    if not holds and not as_json:
        say("nothing waits for review")


@app.command()
def show(
    decision: Annotated[str, typer.Argument(help="Id of the decision that holds.")],
    out: Annotated[Path | None, typer.Option(help="Where the held video is written.")] = None,
    *,
    reviewer: Annotated[str, typer.Option(help="Who looks; default: the login name.")] = "",
    as_json: AsJson = False,
) -> None:
    """Look at what is held: findings, prompt and, with --out, the video itself. Every look is recorded."""
    name = reviewer.strip() or getpass.getuser()
    with open_house(Settings()) as house:
        hold = hold_of(house, decision)
        prompt = look_at_prompt(house, hold, name)
        if out is not None:
            write_released(look_at_file(house, hold, name), out)
    if as_json:
        file = {} if out is None else {"file": str(out)}
        print_json({**decision_view(hold.decision), "prompt": prompt, "content": hold.has_file, **file})
        return
    explain(hold.decision)
    if prompt is not None:
        say(f"  prompt {escape(repr(prompt))}")  # repr: what a stranger wrote does not steer the terminal
    if out is not None:
        say(f"wrote {escape(str(out))}: held, neither signed nor released")
    elif hold.has_file:
        say("see the video with: --out FILE")


@app.command()
def decide(
    decision: Annotated[str, typer.Argument(help="Id of the decision that holds.")],
    reason: Annotated[str, typer.Option(help="Why; recorded for good.")],
    *,
    allow: Annotated[bool, typer.Option("--allow/--refuse", help="Let it pass, or refuse it.")],
    reviewer: Annotated[str, typer.Option(help="Who decides; default: the login name.")] = "",
    as_json: AsJson = False,
) -> None:
    """Decide a hold: a superseding Decision is recorded, and an allowed job goes on where it stopped."""
    with open_house(Settings()) as house:
        decided = house.review.decide(decision, allow=allow, reviewer=reviewer or getpass.getuser(), reason=reason)
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
    tell(view, outcome, as_json=as_json)
