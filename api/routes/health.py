"""`/healthz`, `/readyz` and `/metrics`: for the machinery around the service. Keep them inside your network."""

from __future__ import annotations

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response

from api.auth import HouseOf
from api.drift_watch import DriftWatch
from api.keys import certificates
from api.metrics import Metrics
from api.readiness import Readiness
from api.wiring import House
from provenance.base import SignerUnusable, TrustPackError
from safety.errors import PolicyError
from safety.trials import Lineup

EXPOSITION = "text/plain; version=0.0.4; charset=utf-8"
"""Content type of Prometheus' text format."""


def register(app: FastAPI) -> None:
    """Add the routes of this module."""
    app.add_api_route("/healthz", get_health, methods=["GET"], summary="The process is alive")
    app.add_api_route("/readyz", get_readiness, methods=["GET"], summary="It can decide and record")
    app.add_api_route("/metrics", get_metrics, methods=["GET"], response_class=Response, summary="Counts")


async def get_health() -> dict[str, str]:
    """Answer: the process lives. Asks nobody else."""
    return {"status": "alive"}


def get_readiness(request: Request) -> JSONResponse:
    """Say what can be measured at each checkpoint; 503 while the record cannot be written."""
    readiness: Readiness = request.app.state.readiness
    ready, view = readiness.report()
    return JSONResponse(view, 200 if ready else 503)


def get_metrics(request: Request, house: HouseOf) -> Response:
    """Return every count."""
    metrics: Metrics = request.app.state.metrics
    metrics.watch(_ends(house))
    dated, damaged = _packs(house)
    metrics.watch_packs(dated, damaged=damaged)
    watch: DriftWatch = request.app.state.drift_watch
    metrics.watch_drift(watch.look(house), house.settings.drift_alert)
    metrics.watch_policies(_lineup(house))
    return Response(metrics.exposition(house.ledger, house.jobs.counts()), media_type=EXPOSITION)


def _lineup(house: House) -> Lineup | None:
    """Which policies judge; None where the one in force cannot be used, which every request says."""
    try:
        return house.policy_book.lineup()
    except PolicyError:
        return None


def _ends(house: House) -> dict[str, float]:
    """When certificates end, by role; nothing while their files are being changed: the other counts still stand."""
    try:
        found = sorted(certificates(house.settings), key=lambda each: each.not_after, reverse=True)
    except SignerUnusable:
        return {}
    return {each.role: each.not_after.timestamp() for each in found}


def _packs(house: House) -> tuple[dict[str, float], bool]:
    """When trust packs are dated, and whether they cannot be read: `framegate doctor` says why."""
    try:
        return house.trusted.dated(), house.trusted.damaged()
    except SignerUnusable:
        return {}, False  # nobody looked at them
    except TrustPackError:
        return {}, True
