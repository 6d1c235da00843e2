"""`framegate keys`: API keys for the HTTP service."""

from __future__ import annotations

from typing import Annotated

import typer

from api.settings import Settings
from api.terminal import print_json, say
from api.wiring import open_house

app = typer.Typer(no_args_is_help=True, help="API keys for the HTTP service.")

SCOPES = ("requester", "reviewer", "auditor", "admin")
"""What a key may do: ask for videos and checks; decide holds; read the record; manage keys."""


@app.command()
def create(
    label: Annotated[str, typer.Argument(help="Whose key this is.")],
    scope: Annotated[list[str], typer.Option(help="requester, reviewer, auditor or admin; may be repeated.")],
    *,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")] = False,
) -> None:
    """Create a key. The secret is shown once and kept only as a hash."""
    if unknown := sorted(set(scope) - set(SCOPES)):
        raise typer.BadParameter(f"unknown scope {unknown[0]!r}: {', '.join(SCOPES)}")
    with open_house(Settings()) as house:
        key, secret = house.keys.create(label, frozenset(scope))
    if as_json:
        print_json({"key": key.id, "secret": secret, "scopes": sorted(key.scopes), "label": key.label})
    else:
        say(f"key {key.id} for {label}: {', '.join(sorted(key.scopes))}. The secret is shown only now:")
        typer.echo(secret)


@app.command("list")
def list_() -> None:
    """List keys, without secrets."""
    with open_house(Settings()) as house:
        for key in house.keys.list():
            state = "revoked" if key.revoked_at else "active"
            say(f"{key.id}  {state:8} {','.join(sorted(key.scopes)):30} {key.label}")


@app.command()
def revoke(key: Annotated[str, typer.Argument(help="Id of the key.")]) -> None:
    """Revoke a key at once."""
    with open_house(Settings()) as house:
        house.keys.revoke(key)
    say(f"key {key} is revoked")
