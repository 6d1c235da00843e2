"""The command line. `framegate --help` lists the commands; each lives in `api.commands` with its kin.

Exit codes: 0 released or clean, 3 refused, 4 held for review, 1 could not do, 2 wrong use.
"""

from __future__ import annotations

import logging
import sys
from typing import ClassVar

import typer
from pydantic import ValidationError

from api.lazy_group import LazyGroup
from api.ownership import refuse_foreign_packages
from api.terminal import Exit, people


class Evaluations(LazyGroup):
    """`framegate evaluate …`."""

    places: ClassVar = {
        "prompts": "api.commands.evaluate:prompts",
        "frames": "api.commands.evaluate_frames:frames",
        "generator": "api.commands.evaluate_generator:generator",
        "origin": "api.commands.evaluate_origin:origin",
        "watermark": "api.commands.evaluate_watermark:watermark",
    }


evaluations = typer.Typer(
    cls=Evaluations,
    no_args_is_help=True,
    help="Figures with N, k and an interval, from labelled data.",
    callback=lambda: None,
)


class Commands(LazyGroup):
    """`framegate …`."""

    places: ClassVar = {
        "check": "api.commands.prompts:check",
        "screen": "api.commands.screen:screen",
        "verify": "api.commands.videos:verify",
        "sign": "api.commands.sign:sign",
        "scan": "api.commands.scan:scan",
        "generate": "api.commands.jobs:generate",
        "fetch": "api.commands.jobs:fetch",
        "resume": "api.commands.jobs:resume",
        "serve": "api.commands.service:serve",
        "worker": "api.commands.service:worker",
        "migrate": "api.commands.service:migrate",
        "doctor": "api.commands.service:doctor",
        "policy": "api.commands.policy:app",
        "review": "api.commands.review:app",
        "quality": "api.commands.quality:app",
        "appeal": "api.commands.appeal:app",
        "ledger": "api.commands.ledger:app",
        "export": "api.commands.export:app",
        "release": "api.commands.releases:app",
        "subject": "api.commands.subject:app",
        "retention": "api.commands.retention:app",
        "keys": "api.commands.keys:app",
        "webhook": "api.commands.webhook:app",
        "certificate": "api.commands.certificate:app",
        "trust": "api.commands.trust:app",
        "consent": "api.commands.consent:consent",
        "optout": "api.commands.consent:optout",
        "person": "api.commands.person:app",
        "bank": "api.commands.bank:app",
        "evaluate": "api.cli:evaluations",
        "redteam": "api.commands.redteam:app",
    }


app = typer.Typer(
    cls=Commands,
    name="framegate",
    help="Trust and safety for text-to-video: gate prompts, screen and sign videos, scan uploads, keep the record.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    callback=lambda: None,
)


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
    except KeyboardInterrupt:
        people.print("framegate: interrupted; what was recorded stays recorded", markup=False)
        sys.exit(Exit.COULD_NOT)
    except Exception as error:
        from api.errors import PROBLEMS, problem_of

        if not isinstance(error, tuple(PROBLEMS)):
            raise
        people.print(f"framegate: {error}", style="red", markup=False)
        sys.exit(problem_of(error).exit_code)
