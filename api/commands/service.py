"""`framegate serve`, `worker`, `migrate` and `doctor`: run the service and see that it can run."""

from __future__ import annotations

import logging
import signal
import subprocess
import sys
from typing import Annotated

import typer
from rich.markup import escape

from api.doctor import examine
from api.housekeeping import Housekeeping
from api.settings import Settings
from api.terminal import Exit, print_json, say
from api.wiring import open_house, prepare
from api.worker import make_worker

GRACE_S = 10
"""Seconds that running answers have when the service stops: a stream of events would hold it for minutes."""


def log_from(level: str) -> None:
    """Log from this level on; of libraries that log the addresses they call, which may hold secrets, only warnings."""
    logging.getLogger().setLevel(level)
    for name in ("httpx", "httpcore"):
        logging.getLogger(name).setLevel(logging.WARNING)


def migrate() -> None:
    """Create or upgrade the database, and in development the keys and certificates."""
    settings = Settings()
    prepare(settings)
    say(f"database and keys are ready in {escape(str(settings.home))}")


def serve(
    *,
    with_worker: Annotated[bool, typer.Option("--worker/--no-worker", help="Also run one worker.")] = True,
) -> None:
    """Serve the HTTP API, and by default run one worker beside it."""
    import uvicorn

    from api.app import create_app

    settings = Settings()
    prepare(settings)
    log_from(settings.log_level)
    helper = subprocess.Popen([sys.executable, "-m", "api", "worker"]) if with_worker else None
    try:
        uvicorn.run(
            create_app(settings),
            host=settings.host,
            port=settings.port,
            log_level=settings.log_level.lower(),
            timeout_graceful_shutdown=GRACE_S,
        )
    finally:
        if helper is not None:
            helper.terminate()
            helper.wait(timeout=60)


def worker() -> None:
    """Run queued jobs until stopped; start as many as you like, on as many machines."""
    settings = Settings()
    log_from(settings.log_level)
    with open_house(settings) as house:
        house.self_test()
        worker = make_worker(house)
        worker.start()
        housekeeping = Housekeeping(house)
        housekeeping.start()
        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, lambda *_: worker.request_stop())
        say("worker is ready")
        worker.wait()
        housekeeping.stop()
        worker.stop()


def doctor(*, as_json: Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")] = False) -> None:
    """Check everything a release needs, and say what cannot be measured. Exit 0 only if nothing is broken."""
    with open_house(Settings()) as house:
        checks = examine(house)
    if as_json:
        print_json({"ok": all(c.ok for c in checks), "checks": [vars(c) for c in checks]})
    else:
        for check in checks:
            say(f"  {'[green]ok[/]    ' if check.ok else '[red]broken[/]'} {check.name:22} {escape(check.detail)}")
    raise typer.Exit(Exit.DONE if all(c.ok for c in checks) else Exit.COULD_NOT)
