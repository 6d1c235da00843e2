"""`framegate certificate`: ask an authority for a signing certificate, and see when the present ones expire."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from api.keys import certificates
from api.settings import Settings
from api.terminal import Exit, print_json, say
from api.wiring.requests import Algorithm, Subject, request_for_key, request_for_new_key
from provenance.base import SignerUnusable

app = typer.Typer(no_args_is_help=True, help="Signing certificates: ask for one, and watch them.")

AsJson = Annotated[bool, typer.Option("--json", help="One JSON object a line on stdout.")]


@app.command()
def csr(
    organisation: Annotated[str, typer.Option(help="Who signs: stands in every credential.")],
    name: Annotated[str, typer.Option(help="Common name of the certificate.")],
    out: Annotated[Path, typer.Option(help="Where the request is written, for the authority.")],
    key_out: Annotated[
        Path | None, typer.Option(help="Make a key and write it there, mode 0600; never over a file.")
    ] = None,
    key: Annotated[
        str | None, typer.Option(help="Instead: a key that is there, as FRAMEGATE_SIGNER_KEY names it.")
    ] = None,
    public_key: Annotated[
        Path | None, typer.Option(help="With --key: PEM file of its public half.", exists=True, dir_okay=False)
    ] = None,
    country: Annotated[str, typer.Option(help="Two letters.")] = "",
    algorithm: Annotated[Algorithm, typer.Option(help="Of a key that is made.")] = Algorithm.ES256,
) -> None:
    """Write a certificate signing request (PKCS #10). Nothing is sent."""
    if (key_out is None) == (key is None) or (key is None) != (public_key is None):
        raise typer.BadParameter("give --key-out for a new key, or --key and --public-key for one that is there")
    subject = Subject(name, organisation, country)
    if key is not None and public_key is not None:
        text = request_for_key(subject, key, public_key.read_text(), Settings())
    else:
        secret, text = request_for_new_key(subject, algorithm)
        _write_secret(key_out or out, secret)
        say(f"key written to {escape(str(key_out))}: keep it; it is nowhere else")
    try:
        out.write_text(text)
    except OSError as error:
        raise SignerUnusable(f"the request cannot be written to {out}: {error.strerror}") from error
    say(f"request written to {escape(str(out))}: send it to your authority, and put what comes back, leaf first, into "
        "the file of FRAMEGATE_SIGNER_CHAIN")  # fmt: skip


@app.command()
def show(*, as_json: AsJson = False) -> None:
    """Say when the signing certificate, its intermediates and the anchors expire. Exit 1 if one that signs has."""
    settings = Settings()
    now, expired = datetime.now(UTC), False
    for each in certificates(settings):
        left = each.left(now)
        expired = expired or (each.matters and left.total_seconds() <= 0)
        if as_json:
            print_json({
                "role": each.role,
                "subject": each.subject,
                "not_after": each.not_after.isoformat(),
                "days_left": round(left.total_seconds() / 86400, 1),
            })  # fmt: skip
        else:
            colour = "red" if each.is_due(now) else "green"
            say(f"  {each.role:12} [{colour}]{left.days} days[/] until {each.not_after:%F}  {escape(each.subject)}")
    raise typer.Exit(Exit.COULD_NOT if expired else Exit.DONE)


def _write_secret(path: Path, text: str) -> None:
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
            file.write(text)
    except OSError as error:
        raise SignerUnusable(f"the key cannot be written to {path}: {error.strerror}") from error
