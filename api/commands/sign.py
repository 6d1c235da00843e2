"""`framegate sign`: releases a video of somebody else's generator, with what it was made from."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from api.commands.videos import AsJson, Video
from api.release_views import release_view
from api.settings import Settings
from api.terminal import BY_ACTION, BY_STATUS, LOCAL, Exit, explain, print_json, say
from api.views import decision_view
from api.wiring import open_house
from provenance.base import ClaimInput, InputRelation
from safety.domain import Action
from safety.errors import NotFound


def sign(
    video: Video,
    out: Annotated[Path, typer.Option(help="Where the released file is written.")],
    prompt: Annotated[
        str | None, typer.Option(help="The prompt the video was generated from; it is judged first.")
    ] = None,
    decision_id: Annotated[
        str | None, typer.Option("--decision", help="The recorded decision about that prompt, instead of the prompt.")
    ] = None,
    inputs: Annotated[
        list[Path] | None,
        typer.Option(
            "--input", help="A picture or video it was made with; may be repeated.", exists=True, dir_okay=False
        ),
    ] = None,
    parent: Annotated[
        Path | None, typer.Option(help="The video that was extended or edited into it.", exists=True, dir_okay=False)
    ] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Release a video of your own generator: judge its prompt, mark, screen, sign and record it.

    What it was made from is judged with the prompt, and named in the manifest with whatever manifest it carries itself.

    What was held goes on, once a reviewer allowed it, with --decision and the decision about the prompt.
    """
    if (prompt is None) == (decision_id is None):
        raise typer.BadParameter("give either --prompt or --decision")
    with open_house(Settings()) as house:
        if decision_id:
            found = house.ledger.decision(decision_id)
        else:
            found = house.framegate.check_prompt(prompt or "", requester=LOCAL)
        if found is None:
            raise NotFound(f"no decision has the id {decision_id}")
        decision = asked = found
        if decision.verdict.action is Action.ALLOW or decision_id:
            outcome = house.framegate.release(video, out, prompt=decision, inputs=made_from(inputs or (), parent))
            decision, status = outcome.decision, outcome.status
            view = {"status": status.value, "prompt_decision": asked.id, **decision_view(decision)}
            if outcome.release is not None:
                view |= {**release_view(outcome.release), "file": str(out)}
            code = BY_STATUS[status]
        else:
            view, code = decision_view(decision), BY_ACTION[decision.verdict.action]
    if as_json:
        print_json(view)
    else:
        explain(decision)
        if code is Exit.DONE:
            say(f"released: {escape(str(out))}")
        if code is Exit.HELD:
            again = "".join(f" --input {each}" for each in inputs or ()) + (f" --parent {parent}" if parent else "")
            say(f"  then: framegate sign {escape(str(video))} --out …{escape(again)} --decision {asked.id}")
    raise typer.Exit(code)


def made_from(inputs: Sequence[Path], parent: Path | None) -> list[ClaimInput]:
    """Return what a video was made from, under titles that tell nobody the names of files."""
    found = [
        ClaimInput(path, InputRelation.INPUT, f"reference {number}") for number, path in enumerate(inputs, start=1)
    ]
    return found if parent is None else [*found, ClaimInput(parent, InputRelation.PARENT, "original")]
