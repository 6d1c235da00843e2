"""Tells an exception to a client: RFC 9457 problem+json, or OpenAI's error envelope on the routes of OpenAI's shape.

A prompt is never in an answer or a log line: validation errors are told by field and rule, not by value (`api.faults`),
and an unexpected exception is logged by its type and place, not by its message. Which exception is which problem is
`api.errors`.
"""

from __future__ import annotations

import logging
import traceback
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import ValidationError
from starlette.exceptions import HTTPException

from api.errors import (
    PROBLEMS,
    BusyError,
    InvalidRequestError,
    OverloadedError,
    Problem,
    UnauthorizedError,
    problem_of,
)
from api.faults import explain_validation
from safety.errors import Occupied

log = logging.getLogger(__name__)

TYPE_BASE = "https://framegate.invalid/problems/"
"""Problem types are names, not addresses: RFC 9457 section 3.1.1; `.invalid` never resolves (RFC 2606)."""

OPENAI_PATHS = ("/v1/moderations", "/v1/videos")
"""Routes below these answer errors as the hosted API of that shape did."""

SLUGS = {
    HTTPStatus.BAD_REQUEST: "bad-request",
    HTTPStatus.NOT_FOUND: "not-found",
    HTTPStatus.METHOD_NOT_ALLOWED: "method-not-allowed",
}
"""Problems that the framework finds before any of our code runs."""


def install(app: FastAPI) -> None:
    """Answer every exception of the house, and those of the framework, as problems."""
    for kind in PROBLEMS:
        app.add_exception_handler(kind, _house_error)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _framework)


def unexpected(request: Request, error: Exception) -> JSONResponse:
    """Answer an exception that nobody foresaw with nothing but the request's id, and log where it came from."""
    # Its message may hold anything, a prompt too; its type and the lines it passed do not.
    places = "".join(traceback.format_tb(error.__traceback__))
    log.error("request %s: unexpected %s\n%s", request_id(request), type(error).__name__, places)
    return respond(request, Problem(500, "internal", 1), "")


def problem_response(request: Request, error: Exception) -> JSONResponse:
    """Answer an exception of the house."""
    problem = problem_of(error)
    overloaded = isinstance(error, OverloadedError)  # a flood of requests shall not be one of log lines too
    if problem.status >= HTTPStatus.INTERNAL_SERVER_ERROR and not overloaded:
        log.error("request %s: %s: %s", request_id(request), type(error).__name__, error)
    param = error.param if isinstance(error, InvalidRequestError) else None
    response = respond(request, problem, str(error), param)
    if isinstance(error, UnauthorizedError):
        response.headers["www-authenticate"] = "Bearer"
    if overloaded or isinstance(error, (BusyError, Occupied)):
        response.headers["retry-after"] = str(error.retry_after_s if isinstance(error, BusyError) else 1)
    return response


def respond(request: Request, problem: Problem, detail: str, param: str | None = None) -> JSONResponse:
    """Write a problem in the shape that the route's clients read.

    What broke on our side is told to the log only: such messages name files, addresses and settings of the house.
    """
    if problem.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        detail = f"Could not be done; nothing was released. Quote the request id {request_id(request)}."
    if request.url.path.startswith(OPENAI_PATHS):
        return _envelope(problem, detail, param)
    content: dict[str, Any] = {
        "type": TYPE_BASE + problem.slug,
        "title": problem.slug.replace("-", " ").capitalize(),
        "status": problem.status,
        "detail": detail,
        "instance": request.url.path,
        "request_id": request_id(request),
    }
    if param is not None:
        content["param"] = param
    return JSONResponse(content, problem.status, media_type="application/problem+json")


def request_id(request: Request) -> str:
    """The id of a request: in every answer's `x-request-id`, in problems and in the log."""
    return str(getattr(request.state, "request_id", "unknown"))


def invalid(error: ValidationError) -> InvalidRequestError:
    """Turn what pydantic found into an error of the house."""
    message, param = explain_validation(error.errors(include_input=False, include_url=False))
    return InvalidRequestError(message, param)


def _envelope(problem: Problem, detail: str, param: str | None) -> JSONResponse:
    # Clients of this shape know no 422.
    status = HTTPStatus.BAD_REQUEST if problem.status == HTTPStatus.UNPROCESSABLE_ENTITY else problem.status
    kind = "server_error" if status >= HTTPStatus.INTERNAL_SERVER_ERROR else "invalid_request_error"
    error = {"message": detail, "type": kind, "param": param, "code": problem.slug.replace("-", "_")}
    return JSONResponse({"error": error}, status)


async def _house_error(request: Request, error: Exception) -> JSONResponse:
    return problem_response(request, error)


async def _invalid(request: Request, error: Exception) -> JSONResponse:
    faults = error.errors() if isinstance(error, RequestValidationError) else []
    message, param = explain_validation(list(faults))
    return problem_response(request, InvalidRequestError(message, param))


async def _framework(request: Request, error: Exception) -> JSONResponse:
    status = error.status_code if isinstance(error, HTTPException) else 500
    words = HTTPStatus(status).phrase
    response = respond(
        request, Problem(status, SLUGS.get(HTTPStatus(status), words.lower().replace(" ", "-")), 1), words
    )
    if isinstance(error, HTTPException):
        response.headers.update(error.headers or {})
    return response
