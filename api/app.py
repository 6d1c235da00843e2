"""The HTTP API: opens the house, frames every request, and adds the routes. `framegate serve` runs it.

    request ─▶ edge (id, size, time) ─▶ key and scope ─▶ route ─▶ house ─▶ answer, or problem

Handlers are plain functions in threads around the synchronous house. The documentation pages of the framework load
scripts from the network, so they are off; `/openapi.json` is there.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from fastapi import FastAPI
from fastapi.concurrency import run_in_threadpool

from api import problems
from api.drift_watch import DriftWatch
from api.edge import Edge
from api.idempotent import REMEMBERED
from api.metrics import Metrics
from api.readiness import Readiness
from api.routes import (
    appeals,
    banks,
    exports,
    health,
    likeness,
    moderations,
    persons,
    policies,
    quality,
    record,
    releasing,
    reviews,
    scan_batches,
    scans,
    soft_bindings,
    subjects,
    verification,
    video_content,
    video_making,
    videos,
    withdrawals,
)
from api.settings import Settings
from api.settling import take_up
from api.wiring import House

ROUTES = (
    moderations,
    videos,
    video_making,
    video_content,
    releasing,
    withdrawals,
    scans,
    scan_batches,
    record,
    exports,
    reviews,
    quality,
    appeals,
    likeness,
    persons,
    banks,
    policies,
    subjects,
    verification,
    soft_bindings,
    health,
)


def create_app(settings: Settings | None = None, house: House | None = None) -> FastAPI:
    """Build the app. Nothing is opened before it starts.

    Args:
        settings: default: from the environment, read when the app starts.
        house: one that is open already; the app then leaves closing it to its owner.
    """
    metrics = Metrics()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        opened = house or House(settings or Settings())
        try:
            await run_in_threadpool(_prepare, app, opened, metrics)
            yield
        finally:
            if house is None:
                await run_in_threadpool(opened.close)

    app = FastAPI(
        title="framegate",
        summary="Trust and safety for text-to-video: gate, screen, sign, record.",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
    )
    app.state.metrics = metrics
    app.state.drift_watch = DriftWatch()
    app.add_middleware(Edge, metrics=metrics)
    problems.install(app)
    for module in ROUTES:
        module.register(app)
    return app


def _prepare(app: FastAPI, house: House, metrics: Metrics) -> None:
    """Refuse to start a house that cannot do its work; then pick up what a crash left lying.

    Raises:
        WeightsError, PolicyError, SignerUnusable, LedgerError: as `House.self_test`.
    """
    house.self_test()
    _ = house.scanner, house.blobs, house.review, house.keys
    app.state.house = house
    app.state.readiness = Readiness(house)
    metrics.start(house.ledger)
    house.idempotency.forget_before(datetime.now(UTC) - REMEMBERED)
    take_up(house)
