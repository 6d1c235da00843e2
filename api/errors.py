"""Every exception of the house, as an HTTP problem and as an exit code. One table; a test checks that none is missing.

A refusal is not here: it is a Decision. These mean "could not decide" or "could not do".
"""

from __future__ import annotations

from dataclasses import dataclass

from api.ownership import ForeignPackageError
from classifiers.base import ClassifierError, ConfigurationError, MeasurementError, WeightsError
from generator.base import GenerationCancelled, GeneratorError, UnsupportedRequest
from media.errors import EncodingError, MediaError, MediaLimitExceeded, StorageError, UnreadableMedia
from provenance.base import (
    CredentialUnreadable,
    LabelError,
    MarkingError,
    ProvenanceError,
    SignerUnusable,
    SigningError,
    TrustPackError,
)
from safety.errors import (
    Conflict,
    DatabaseError,
    GalleryLocked,
    InvalidContent,
    LedgerError,
    NotFound,
    Occupied,
    PolicyError,
    ReleaseError,
    SafetyError,
    SealBroken,
    SecondReviewerNeeded,
    StepFailed,
    Withdrawn,
)


class ApiError(Exception):
    """Something about a request at the outer edge; not about its content."""


class UnauthorizedError(ApiError):
    """No API key, or one that is unknown or revoked."""


class ForbiddenError(ApiError):
    """The API key lacks the scope that this route needs."""


class RequestTooLargeError(ApiError):
    """The request body is larger than the settings allow."""


class InvalidRequestError(ApiError):
    """A field of the request is missing or makes no sense."""

    def __init__(self, message: str, param: str | None = None) -> None:
        super().__init__(message)
        self.param = param
        """The field."""


class UnsupportedFeatureError(InvalidRequestError):
    """The request asks for something that this version does not do; it is refused, never done halfway."""


class BusyError(ApiError):
    """Too many requests of this kind at once, or by this client."""

    def __init__(self, message: str, retry_after_s: int = 1) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s
        """Seconds after which it may be tried again."""


class WebhookError(ApiError):
    """Another system cannot be told: its address or its secret makes no sense."""


class OverloadedError(ApiError):
    """As many prompts as the settings allow are being judged or wait for it."""


@dataclass(frozen=True)
class Problem:
    """How an exception is told to the outside."""

    status: int
    """HTTP status."""

    slug: str
    """Last part of the problem type: `https://framegate.invalid/problems/<slug>`."""

    exit_code: int


PROBLEMS: dict[type[Exception], Problem] = {
    ApiError: Problem(500, "internal", 1),
    UnauthorizedError: Problem(401, "unauthorized", 2),
    ForbiddenError: Problem(403, "forbidden", 2),
    RequestTooLargeError: Problem(413, "request-too-large", 2),
    InvalidRequestError: Problem(422, "invalid-request", 2),
    UnsupportedFeatureError: Problem(400, "unsupported", 2),
    BusyError: Problem(429, "busy", 1),
    OverloadedError: Problem(503, "overloaded", 1),
    WebhookError: Problem(500, "webhook", 2),
    ForeignPackageError: Problem(500, "foreign-package", 1),
    SafetyError: Problem(500, "internal", 1),
    InvalidContent: Problem(422, "invalid-content", 2),
    PolicyError: Problem(500, "policy", 2),
    NotFound: Problem(404, "not-found", 2),
    Withdrawn: Problem(410, "withdrawn", 3),
    Conflict: Problem(409, "conflict", 2),
    Occupied: Problem(429, "busy", 1),
    SecondReviewerNeeded: Problem(409, "second-reviewer-needed", 4),
    LedgerError: Problem(503, "ledger-unavailable", 1),
    DatabaseError: Problem(503, "database-unavailable", 1),
    GalleryLocked: Problem(503, "gallery-locked", 1),
    ReleaseError: Problem(500, "not-released", 1),
    StepFailed: Problem(500, "step-failed", 1),
    SealBroken: Problem(500, "sealed-data", 1),
    MediaError: Problem(422, "media", 1),
    UnreadableMedia: Problem(422, "unreadable-media", 1),
    MediaLimitExceeded: Problem(413, "media-limit", 1),
    EncodingError: Problem(500, "encoding", 1),
    StorageError: Problem(507, "storage", 1),
    ClassifierError: Problem(500, "classifier", 1),
    WeightsError: Problem(500, "weights", 1),
    ConfigurationError: Problem(500, "plug-in", 2),
    MeasurementError: Problem(500, "measurement", 1),
    GeneratorError: Problem(500, "generator", 1),
    UnsupportedRequest: Problem(422, "unsupported-request", 2),
    GenerationCancelled: Problem(409, "cancelled", 1),
    ProvenanceError: Problem(500, "provenance", 1),
    SigningError: Problem(500, "signing", 1),
    SignerUnusable: Problem(500, "signer-unusable", 1),
    LabelError: Problem(500, "label", 1),
    TrustPackError: Problem(500, "trust-pack", 1),
    CredentialUnreadable: Problem(422, "credential-unreadable", 1),
    MarkingError: Problem(422, "marking", 1),
}


def problem_of(error: Exception) -> Problem:
    """Return the problem of the nearest class of an exception of the house.

    Raises:
        KeyError: not an exception of the house.
    """
    for kind in type(error).__mro__:
        if kind in PROBLEMS:
            return PROBLEMS[kind]
    raise KeyError(type(error).__name__)
