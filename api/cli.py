"""The command line. `framegate --help` lists the commands; each lives in `api.commands` with its kin.

Exit codes: 0 released or clean, 3 refused, 4 held for review, 1 could not do, 2 wrong use.
"""

from __future__ import annotations

import logging
import sys

import typer
from pydantic import ValidationError

from api.commands import (
    appeal,
    bank,
    consent,
    evaluate,
    evaluate_frames,
    evaluate_generator,
    evaluate_origin,
    evaluate_watermark,
    jobs,
    keys,
    ledger,
    policy,
    prompts,
    redteam,
    review,
    scan,
    screen,
    service,
    videos,
)
from api.errors import PROBLEMS, problem_of
from api.ownership import refuse_foreign_packages
from api.terminal import Exit, people

app = typer.Typer(
    name="framegate",
    help="Trust and safety for text-to-video: gate prompts, screen and sign videos, scan uploads, keep the record.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)

for group in (prompts, screen, videos, scan, jobs, service):
    group.register(app)
app.add_typer(policy.app, name="policy")
app.add_typer(review.app, name="review")
app.add_typer(appeal.app, name="appeal")
app.add_typer(ledger.app, name="ledger")
app.add_typer(keys.app, name="keys")
app.add_typer(consent.consent, name="consent")
app.add_typer(consent.optout, name="optout")
evaluate.app.command()(evaluate_frames.frames)
evaluate.app.command()(evaluate_generator.generator)
evaluate.app.command()(evaluate_origin.origin)
evaluate.app.command()(evaluate_watermark.watermark)
app.add_typer(bank.app, name="bank")
app.add_typer(evaluate.app, name="evaluate")
app.add_typer(redteam.app, name="redteam")


def main() -> None:
    """Run a command and leave with its exit code."""
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    try:
        refuse_foreign_packages()
        app()
    except ValidationError as error:
        for fault in error.errors():
            name = "_".join(str(part) for part in fault["loc"]).upper()
            people.print(f"setting {f'FRAMEGATE_{name}: ' if name else ''}{fault['msg']}", markup=False)
        sys.exit(Exit.USAGE)
    except tuple(PROBLEMS) as error:
        people.print(f"framegate: {error}", style="red", markup=False)
        sys.exit(problem_of(error).exit_code)
    except KeyboardInterrupt:
        people.print("framegate: interrupted; what was recorded stays recorded", markup=False)
        sys.exit(Exit.COULD_NOT)
