"""`framegate webhook`: how far another system was told what the ledger records, and a secret to sign with."""

from __future__ import annotations

import base64
import os
from typing import Annotated

import typer

from api.settings import Settings
from api.terminal import print_json, say
from api.webhooks import PREFIX, shown_url, webhook_of
from api.wiring import open_house

app = typer.Typer(no_args_is_help=True, help="Tell another system what is recorded.")

NEW_BYTES = 32


@app.command()
def secret() -> None:
    """Print a new secret, to be kept in the file of FRAMEGATE_WEBHOOK_SECRET_FILE and handed to the receiver."""
    typer.echo(PREFIX + base64.b64encode(os.urandom(NEW_BYTES)).decode())


@app.command()
def status(*, as_json: Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")] = False) -> None:
    """Show how far the receiver was told, and whether telling it fails."""
    with open_house(Settings()) as house:
        webhook = webhook_of(house)
        if webhook is None:
            view: dict[str, object] = {"url": None}
        else:
            told = webhook.place()
            view = {
                "url": shown_url(webhook.url),
                "events": sorted(webhook.types),
                "position": told.position,
                "behind": house.ledger.size() - told.position,
                "failures": told.failures,
                "failing_since": told.failing_since.isoformat() if told.failing_since else None,
                "next_at": told.next_at.isoformat() if told.next_at else None,
            }
    if as_json:
        print_json(view)
    elif view["url"] is None:
        say("nobody is told: FRAMEGATE_WEBHOOK_URL is empty")
    else:
        say(f"{view['url']}: {view['behind']} entries behind, {view['failures']} failures in a row"
            f"{'' if view['failing_since'] is None else ' since ' + str(view['failing_since'])}")  # fmt: skip
