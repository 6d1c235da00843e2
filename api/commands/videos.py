"""`framegate verify` and `sign`: commands about one video file. `screen` and `scan` have modules of their own."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from api.release_views import credential_view, release_view
from api.settings import Settings
from api.terminal import BY_ACTION, BY_STATUS, LOCAL, Exit, explain, print_json, say
from api.views import decision_view
from api.wiring import open_house
from provenance.base import CredentialState
from safety.domain import Action
from safety.errors import NotFound
from safety.verify import Verification, verify_file

AsJson = Annotated[bool, typer.Option("--json", help="One JSON object a line on stdout.")]
Video = Annotated[Path, typer.Argument(help="A video file.", exists=True, dir_okay=False, readable=True)]


def verify(video: Video, *, as_json: AsJson = False) -> None:
    """Check a file's credential, time stamp and watermark.

    Exit 0 only when the credential is trusted and the release was not withdrawn.
    """
    with open_house(Settings()) as house:
        result = verify_file(video, house.credential_reader, house.watermark, house.known, house.limits)
    if as_json:
        print_json(credential_view(result))
    else:
        _tell_credential(video, result)
    good = result.credential.state is CredentialState.TRUSTED and result.withdrawal is None
    raise typer.Exit(Exit.DONE if good else Exit.REFUSED)


def _tell_credential(video: Path, seen: Verification) -> None:
    credential = seen.credential
    words = {
        CredentialState.TRUSTED: "trusted: valid, and signed under a root that is trusted here",
        CredentialState.UNKNOWN_ISSUER: "valid, but signed by an issuer we do not know",
        CredentialState.INVALID: "invalid: the file or its credential was changed",
        CredentialState.ABSENT: "absent: the file carries no credential",
    }
    say(f"[bold]{escape(video.name)}[/]")
    say(f"  credential  {words[credential.state]}")
    if credential.trusted_by:
        say(f"  trusted by  {escape(', '.join(credential.trusted_by))}")
    if credential.issuer:
        say(f"  issuer      {escape(credential.issuer)}")
    say(f"  time stamp  {credential.signed_at.isoformat() if credential.signed_at else 'none'}")
    say(f"  watermark   {seen.watermark or 'none found'}")
    say(f"  release     {seen.release or 'not one of ours'}")
    if seen.exact is not None:
        say(f"  bytes       {'exactly those that were released' if seen.exact else 'not those that were released'}")
    if seen.withdrawal is not None:
        say(f"  [red]withdrawn[/]   on {seen.withdrawal.at:%Y-%m-%d} ({escape(seen.withdrawal.code)})")
    for failure in credential.failures:
        say(f"  failure     {escape(failure)}")


def sign(
    video: Video,
    out: Annotated[Path, typer.Option(help="Where the released file is written.")],
    prompt: Annotated[
        str | None, typer.Option(help="The prompt the video was generated from; it is judged first.")
    ] = None,
    decision_id: Annotated[
        str | None, typer.Option("--decision", help="The recorded decision about that prompt, instead of the prompt.")
    ] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Release a video of your own generator: judge its prompt, mark, screen, sign and record it.

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
            outcome = house.framegate.release(video, out, prompt=decision)
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
            say(f"  then: framegate sign {escape(str(video))} --out … --decision {asked.id}")
    raise typer.Exit(code)
