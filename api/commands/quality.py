"""`framegate quality`: second looks. What was drawn is judged without knowing why it was drawn or what was decided."""

from __future__ import annotations

import getpass
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from api.commands.export import in_utc
from api.desk_views import item_view, quality_view
from api.revealing import item_of, look_at_file, look_at_prompt, look_at_soft_copy, write_soft
from api.settings import Settings
from api.terminal import print_json, say
from api.wiring import open_house
from safety.framegate import write_released
from safety.review import REASON_CODES

app = typer.Typer(no_args_is_help=True, help="Look a second time, and see how good decisions are.")

AsJson = Annotated[bool, typer.Option("--json", help="One JSON object a line on stdout.")]
Who = Annotated[str, typer.Option(help="Who does this; default: the login name.")]
Code = Annotated[str, typer.Option(help=f"Reason code: {', '.join(REASON_CODES)}.")]
Why = Annotated[str, typer.Option(help="Why; recorded for good.")]


@app.command("next")
def next_(*, reviewer: Who = "", as_json: AsJson = False) -> None:
    """Name an item to look at a second time."""
    with open_house(Settings()) as house:
        item = house.quality.next(reviewer or getpass.getuser())
    if as_json:
        print_json(item_view(item))
    else:
        say(f"{escape(item.id)} at {item.checkpoint}: framegate quality show {escape(item.id)}")


@app.command()
def show(
    decision: Annotated[str, typer.Argument(help="Id of an item.")],
    out: Annotated[Path | None, typer.Option(help="Where its video is written.")] = None,
    *,
    soft: Annotated[
        bool, typer.Option("--soft/--clear", help="Write it in grey, small, out of focus and silent, or as it is.")
    ] = True,
    reviewer: Who = "",
    as_json: AsJson = False,
) -> None:
    """Look at an item: its prompt and, with --out, its video. Every look is recorded."""
    name = reviewer.strip() or getpass.getuser()
    with open_house(Settings()) as house:
        item = item_of(house, decision, name)
        prompt = look_at_prompt(house, item, name)
        if out is not None and soft:
            write_soft(look_at_soft_copy(house, item, name), out)
        elif out is not None:
            write_released(look_at_file(house, item, name), out)
    if as_json:
        print_json({**item_view(item.decision), "prompt": prompt, "content": item.has_file})
        return
    say(f"  prompt {escape(repr(prompt))}" if prompt is not None else "no prompt is kept")
    if item.has_file and out is None:
        say("see the video with: --out FILE")


@app.command()
def opine(
    decision: Annotated[str, typer.Argument(help="Id of an item.")],
    reason: Why,
    *,
    allow: Annotated[bool, typer.Option("--allow/--refuse", help="What you would decide.")],
    code: Code = "other",
    reviewer: Who = "",
    as_json: AsJson = False,
) -> None:
    """Say what you would decide. It is recorded and changes no decision."""
    with open_house(Settings()) as house:
        name = reviewer or getpass.getuser()
        opinion = house.quality.opine(decision, allow=allow, reviewer=name, reason=reason, code=code)
    if as_json:
        print_json({"decision": opinion.decision, "allow": opinion.allow})
    else:
        say("recorded")


@app.command()
def golden(
    decision: Annotated[str, typer.Argument(help="Id of a decision whose right answer is known.")],
    reason: Why,
    *,
    allow: Annotated[bool, typer.Option("--allow/--refuse", help="The right answer.")],
    code: Code = "other",
    by: Who = "",
) -> None:
    """Make a decision a golden item: reviewers are measured against its answer."""
    with open_house(Settings()) as house:
        house.quality.mark_golden(decision, allow=allow, by=by or getpass.getuser(), reason=reason, code=code)
    say(f"{escape(decision)} is a golden item")


@app.command()
def report(
    *,
    since: Annotated[datetime | None, typer.Option(help="Only from this time on (UTC).")] = None,
    until: Annotated[datetime | None, typer.Option(help="Only before this time (UTC).")] = None,
    as_json: AsJson = False,
) -> None:
    """Say how far reviewers agree (Cohen's kappa), how much policies miss, and how often reviewers are right."""
    with open_house(Settings()) as house:
        view = quality_view(house.quality.report(in_utc(since), in_utc(until)))
    if as_json:
        print_json(view)
        return
    for name, told in {**view["kappa"], "all pairs": view["all_pairs"]}.items():
        kappa = (
            "undefined"
            if told["kappa"] is None
            else f"{told['kappa']:.2f} [{told['interval'][0]:.2f}, {told['interval'][1]:.2f}]"
        )
        say(escape(f"{name}: kappa {kappa}, N = {told['pairs']}"))
    for name, told in {"allowed but a person would refuse": view["missed"], **view["golden"]}.items():
        if told["n"]:
            say(escape(f"{name}: {told['k']} of {told['n']} [{told['interval'][0]:.1%}, {told['interval'][1]:.1%}]"))
        else:
            say(escape(f"{name}: not measured"))
