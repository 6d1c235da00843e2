"""What a request may say: fields, lengths and ranges. Unknown fields are refused, never ignored.

Answers are written by `api.views`. What a request means is the routes' business.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import Path
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from safety.domain import Checkpoint
from safety.lookup.counts import By, Every
from safety.lookup.record import MAX_PAGE
from safety.review import REASON_CODES
from safety.withdrawals import CODES

MAX_INPUTS = 100
"""Texts judged for one request to `/v1/moderations`."""


Word = Annotated[str, Field(pattern=r"^[\x21-\x7e]{1,200}$")]
"""An id, digest or name: visible ASCII, so that no database trips over it."""

Id = Annotated[str, Path(pattern=r"^[\x21-\x7e]{1,200}$")]
"""The same, in the path of a route."""


class Body(BaseModel):
    """The body of a request."""

    model_config = ConfigDict(extra="forbid")


class TextPart(Body):
    """A text among the parts of one input."""

    type: Literal["text"]
    text: str


class ImageUrl(Body):
    """Where a picture is."""

    url: str
    detail: str | None = None


class ImagePart(Body):
    """A picture among the parts of one input."""

    type: Literal["image_url"]
    image_url: ImageUrl


Part = Annotated[TextPart | ImagePart, Field(discriminator="type")]


class ModerationBody(Body):
    """`POST /v1/moderations`: one text, several texts (a result each), or the parts of one input (one result)."""

    input: (
        str
        | Annotated[list[str], Field(min_length=1, max_length=MAX_INPUTS)]
        | Annotated[list[Part], Field(min_length=1, max_length=MAX_INPUTS)]
    )
    model: str | None = None
    """Taken for compatibility; the classifiers in service answer."""

    rewrite: bool = False
    """Offer a version that passes, where the policy lets one be offered; judged and recorded, never used by itself."""
    safety_identifier: Word | None = None
    """An extension: for whom the key asks; that person's requests are looked at together."""

    storyboard: bool = False
    """An extension: the texts are scenes of one storyboard, judged alone and together; one result."""


ReasonCode = Annotated[str, Field(json_schema_extra={"enum": sorted(REASON_CODES)})]
"""One of `safety.review.REASON_CODES`; others are a conflict that lists them."""


class ReviewBody(Body):
    """`POST /v1/reviews/{decision}`."""

    allow: bool
    reason: str = Field(min_length=1, max_length=2000)
    """Why; recorded for good."""

    code: ReasonCode = "other"


class ClaimBody(Body):
    """`POST /v1/reviews/claims`: the most urgent hold, or this one."""

    decision: Word | None = None
    minutes: int = Field(15, ge=1, le=240)


class UndoBody(Body):
    """`POST /v1/reviews/{decision}/undo`."""

    reason: str = Field(min_length=1, max_length=2000)
    code: ReasonCode = "mistake"


WithdrawalCode = Annotated[str, Field(json_schema_extra={"enum": list(CODES)})]
"""One of `safety.withdrawals.CODES`; others are a conflict that lists them."""


class WithdrawalBody(Body):
    """`POST /v1/releases/{release}/withdrawal`."""

    reason: str = Field(min_length=1, max_length=2000)
    """For the record; never shown to the public."""

    code: WithdrawalCode = "other"
    erase: bool = False
    """Delete its files too."""


class RestoreBody(Body):
    """`POST /v1/releases/{release}/restoration`."""

    reason: str = Field(min_length=1, max_length=2000)


class AppealBody(Body):
    """`POST /v1/decisions/{decision}/appeals`."""

    reason: str = Field(min_length=1, max_length=2000)


class AnswerBody(Body):
    """`POST /v1/appeals/{appeal}`."""

    overturn: bool
    reason: str = Field(min_length=1, max_length=2000)
    code: ReasonCode = "other"


Names = Annotated[list[Annotated[str, Field(min_length=1, max_length=200)]], Field(min_length=1, max_length=50)]
"""A person's name, and other names and spellings of it."""


class ConsentBody(Body):
    """Who may show whom."""

    names: Names
    requester: Word
    """Id of the API key, or `local`."""

    until: AwareDatetime | None = None


class BankBody(Body):
    """A new bank of known content."""

    id: Word
    category: Word
    """The policy's category of everything in it."""

    owner: str = Field(min_length=1, max_length=500)
    reason: str = Field(min_length=1, max_length=500)
    until: AwareDatetime | None = None


class OptOutBody(Body):
    """Who is never shown."""

    names: Names


class ErasureBody(Body):
    """`POST /v1/subjects/erasures`."""

    person: Word | None = None
    """The `safety_identifier` that a key named; none: the requester itself."""

    requester: Word | None = None
    """Id of the API key that named the person; default: the caller's own. Others' are for admins."""

    reason: str = Field(min_length=1, max_length=500)
    """Recorded for good: let it name nobody."""


class LegalHoldBody(Body):
    """`POST /v1/legal-holds`."""

    target: Word
    """Id of a subject, a video or a scan."""

    reason: str = Field(min_length=1, max_length=500)


class CountQuery(Body):
    """`GET /v1/decisions/counts`."""

    by: By = By.ALL
    every: Every = Every.DAY
    since: AwareDatetime | None = None
    until: AwareDatetime | None = None


class DecisionQuery(Body):
    """The conditions of `GET /v1/decisions`; a decision meets all that are given."""

    id: Word | None = None
    reviewer: Word | None = None
    """Id of whoever decided, where it was no policy."""

    classifier: Word | None = None
    """`NAME` or `NAME@VERSION`, the version cut short or not."""

    q: str | None = Field(None, min_length=1, max_length=500)
    """Words of the reason, all of them; `word*` begins like that."""

    checkpoint: Checkpoint | None = None
    action: Literal["allow", "review", "block"] | None = None
    category: Word | None = None
    """One of the findings is of it."""

    job: Word | None = None
    subject: Word | None = None
    """`sha256:…` of what was judged."""

    policy: Word | None = None
    """`sha256:…` of the policy that judged."""

    since: AwareDatetime | None = None
    until: AwareDatetime | None = None
    after: Word | None = None
    """Id of the last decision of the page before."""

    limit: int = Field(50, ge=1, le=MAX_PAGE)


class PageQuery(Body):
    """A page of `GET /v1/videos`."""

    after: Word | None = None
    limit: int = Field(20, ge=1, le=100)
    order: Literal["asc", "desc"] = "desc"


def form_of(model: type[BaseModel]) -> dict[str, Any]:
    """Describe a body that comes as JSON or as a form, for `/openapi.json`."""
    schema = model.model_json_schema()
    return {"requestBody": {"required": True, "content": {kind: {"schema": schema} for kind in FORM_TYPES}}}


FORM_TYPES = ("application/json", "multipart/form-data", "application/x-www-form-urlencoded")


def _upload(**others: str) -> dict[str, Any]:
    files = {"file": "The video file.", **others}
    properties = {name: {"type": "string", "format": "binary", "description": what} for name, what in files.items()}
    schema = {"type": "object", "required": ["file"], "properties": properties}
    return {"requestBody": {"required": True, "content": {"multipart/form-data": {"schema": schema}}}}


UPLOAD = _upload()
"""Describes a body with one video, for `/openapi.json`."""

UPLOAD_WITH_MANIFEST = _upload(manifest="The C2PA manifest that lies beside a webm or Matroska file, as .c2pa.")

PERSON = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["names", "photos"],
                    "properties": {
                        "names": {
                            "type": "array",
                            "items": {"type": "string"},
                            "description": "The person's name, and other names and spellings of it.",
                        },
                        "photos": {
                            "type": "array",
                            "items": {"type": "string", "format": "binary"},
                            "description": "Photos of this person alone; three or more.",
                        },
                    },
                }
            }
        },
    }
}
"""Describes a body with one person's names and photos, for `/openapi.json`."""
