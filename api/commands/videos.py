"""`framegate verify`: what one file proves about itself, and the options that commands about videos share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from api.release_views import credential_view
from api.settings import Settings
from api.terminal import Exit, print_json, say
from api.wiring import open_house
from provenance.base import CredentialState
from safety.credential_words import sentences
from safety.verify import Verification, verify_file

AsJson = Annotated[bool, typer.Option("--json", help="One JSON object a line on stdout.")]
Video = Annotated[Path, typer.Argument(help="A video file.", exists=True, dir_okay=False, readable=True)]


def verify(
    videos: Annotated[
        list[Path], typer.Argument(metavar="VIDEO...", help="Files.", exists=True, dir_okay=False, readable=True)
    ],
    *,
    as_json: AsJson = False,
) -> None:
    """Check the credential, time stamp and watermark of files.

    Exit 0 only when every credential is trusted and no release was withdrawn. A file that cannot be read ends the run.
    """
    good = True
    with open_house(Settings()) as house:
        for video in videos:
            result = verify_file(video, house.credential_reader, house.watermark, house.known, house.limits)
            good &= result.credential.state is CredentialState.TRUSTED and result.withdrawal is None
            if as_json:
                print_json(credential_view(result))
            else:
                _tell_credential(video, result)
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
    for line in sentences(credential):
        say(f"  [dim]{escape(line)}[/]")
    for failure in credential.failures:
        say(f"  failure     {escape(failure)}")
