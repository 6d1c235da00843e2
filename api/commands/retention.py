"""`framegate retention`: how long what is not the record is kept, and erasing what is due now."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import Annotated

import typer

from api.housekeeping import retention_of
from api.settings import Settings
from api.terminal import print_json, say
from api.wiring import open_house
from safety.retention import CLASSES, DEFAULT_RETENTION, load_retention

app = typer.Typer(no_args_is_help=True, help="How long what is not the record is kept.")

AsJson = Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")]


@app.command()
def show(
    file: Annotated[Path | None, typer.Argument(help="A retention file to check; default: the one in force.")] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Show how long what is kept, in days."""
    rules = load_retention(file or Settings().retention or DEFAULT_RETENTION)
    if as_json:
        longer = {"categories": sorted(rules.categories), "days": rules.longer_days}
        print_json({"rules": rules.digest, "days": dict(rules.days), "longer": longer})
        return
    for name in CLASSES:
        say(f"{name:10} {f'{rules.days[name]:g} days' if name in rules.days else 'until erased by somebody'}")
    if rules.categories:
        say(f"with a finding of {', '.join(sorted(rules.categories))}: {rules.longer_days:g} days at least")


@app.command()
def apply(*, as_json: AsJson = False) -> None:
    """Erase what is due now, and record it. Workers do the same every hour."""
    with open_house(Settings()) as house:
        erased = retention_of(house).apply(getpass.getuser())
    if as_json:
        print_json({"erased": dict(erased)})
    else:
        say(", ".join(f"{count} {name}" for name, count in erased.items()) or "nothing is due")
