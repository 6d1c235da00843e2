"""The `Idempotency-Key` header: the same request made again is the same job; another request under it is refused.

The id of what a request will make is chosen and remembered first and made afterwards, so a crash between the two is
repaired by the repeated request, and two at once make one.
"""

from __future__ import annotations

import hashlib
import json
import re
import uuid
from collections.abc import Mapping
from datetime import timedelta

from fastapi import Request

from api.errors import InvalidRequestError
from api.wiring import House

HEADER = "idempotency-key"

REMEMBERED = timedelta(hours=24)
"""How long a key stands for its request."""

_KEY = re.compile(r"[\x21-\x7e]{1,255}")


def choose_id(request: Request, house: House, requester: str, kind: str, fields: Mapping[str, object]) -> str:
    """Return the id of what this request makes: a new one, or that of the same request under the same key.

    Args:
        kind: prefix of the id: `video`, `scan`.
        fields: what makes two requests the same.

    Raises:
        InvalidRequestError: the key is not 1 to 255 visible ASCII characters.
        Conflict: the key was used for another request.
    """
    new = f"{kind}_{uuid.uuid4().hex}"
    key = request.headers.get(HEADER)
    if key is None:
        return new
    if not _KEY.fullmatch(key):
        raise InvalidRequestError("an Idempotency-Key has 1 to 255 visible ASCII characters", "Idempotency-Key")
    digest = hashlib.sha256(json.dumps([kind, fields], sort_keys=True).encode()).hexdigest()
    return house.idempotency.remember(requester, f"{kind}:{key}", digest, new)
