"""The C2PA Soft Binding Resolution API, its five routes: from pixels without a credential back to the manifest.

Public, like `/v1/verify`, and counted together with it: whoever may ask a watermark reader without limit can learn to
remove the mark. Answers hold manifest labels and nothing about who asked for what. Nothing is stored or recorded.
"""

from __future__ import annotations

import base64
import binascii
import tempfile
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path
from typing import Annotated

from fastapi import Depends, FastAPI, Query, Request
from fastapi import Path as InPath
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response

from api.auth import HouseOf
from api.errors import InvalidRequestError
from api.release_views import withdrawn_view
from api.routes.verification import turn
from api.schemas import Body
from api.views import Json
from safety.recovery import Recovered

PREFIX = "/v1/c2pa"

MANIFEST_TYPE = "application/c2pa"
MOST_RESULTS = 100

_BODY = {
    "requestBody": {
        "required": True,
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}
_MANIFEST = {200: {"content": {MANIFEST_TYPE: {"schema": {"type": "string", "format": "binary"}}}}}

Algorithm = Annotated[str, Query(alias="alg", min_length=1, max_length=200)]
MaxResults = Annotated[int, Query(alias="maxResults", ge=1, le=MOST_RESULTS)]


class BindingQuery(Body):
    """The body of `POST /matches/byBinding`."""

    alg: str
    value: str
    """Base64."""


def register(app: FastAPI) -> None:
    """Add the routes of this module."""
    app.add_api_route(
        f"{PREFIX}/matches/byBinding", get_by_binding, methods=["GET"], summary="Find manifests by a soft binding"
    )
    app.add_api_route(
        f"{PREFIX}/matches/byBinding", post_by_binding, methods=["POST"], summary="Find manifests by a soft binding"
    )
    app.add_api_route(
        f"{PREFIX}/matches/byContent",
        by_content,
        methods=["POST"],
        openapi_extra=_BODY,
        summary="Find manifests by the pixels of a video",
    )
    app.add_api_route(
        f"{PREFIX}/manifests/{{manifestId}}",
        get_manifest,
        methods=["GET"],
        response_class=Response,
        responses=_MANIFEST,  # type: ignore[arg-type]
        summary="A stored manifest",
    )
    app.add_api_route(
        f"{PREFIX}/services/supportedAlgorithms", algorithms, methods=["GET"], summary="Soft bindings that are known"
    )


def _counted(request: Request) -> Iterator[None]:
    with turn(request):
        yield


Counted = Annotated[None, Depends(_counted)]
"""One of the turns of `/v1/verify`: comparing local features costs as much as looking into a file."""


def get_by_binding(
    house: HouseOf,
    _: Counted,
    algorithm: Algorithm,
    value: Annotated[str, Query(min_length=1, max_length=1000)],
    max_results: MaxResults = 10,
) -> Json:
    """Find the manifests whose content carries a soft binding (`value` is Base64)."""
    return _matches(house.recovery.by_binding(algorithm, _decoded(value)), max_results)


def post_by_binding(house: HouseOf, _: Counted, query: BindingQuery, max_results: MaxResults = 10) -> Json:
    """Find the manifests whose content carries a soft binding, which may be too long for an address."""
    return _matches(house.recovery.by_binding(query.alg, _decoded(query.value)), max_results)


async def _sent(request: Request) -> AsyncIterator[Path]:
    with turn(request), tempfile.TemporaryDirectory(prefix="framegate-") as folder:
        path = Path(folder) / "content"
        with path.open("wb") as file:
            async for chunk in request.stream():
                await run_in_threadpool(file.write, chunk)
        if path.stat().st_size == 0:
            raise InvalidRequestError("send the video itself as the body", "body")
        yield path


def by_content(
    house: HouseOf,
    path: Annotated[Path, Depends(_sent)],
    algorithm: Annotated[str | None, Query(alias="alg", min_length=1, max_length=200)] = None,
    max_results: MaxResults = 10,
    hint_algorithm: Annotated[str | None, Query(alias="hintAlg", max_length=200)] = None,
    hint_value: Annotated[str | None, Query(alias="hintValue", max_length=1000)] = None,
) -> Json:
    """Find the manifests that the pixels of a video (the body) lead to: by watermark, fingerprint or local features.

    A hint, a binding that somebody read already, is looked up first and believed only as far as that goes.
    """
    found: list[Recovered] = []
    if hint_algorithm is not None and hint_value is not None:
        found += house.recovery.by_binding(hint_algorithm, _decoded(hint_value))
    found += house.recovery.by_content(path, algorithm)
    return _matches(list({each.release.id: each for each in reversed(found)}.values())[::-1], max_results)


def get_manifest(
    house: HouseOf,
    manifest: Annotated[str, InPath(alias="manifestId", pattern=r"^[\x21-\x7e]{1,200}$")],
    active_only: Annotated[bool, Query(alias="returnActiveManifest")] = False,
) -> Response:
    """Return a stored manifest store (JUMBF), or its active manifest alone."""
    return Response(house.recovery.manifest(manifest, active_only=active_only), media_type=MANIFEST_TYPE)


def algorithms(house: HouseOf) -> Json:
    """Name the watermarks and fingerprints that can be asked for."""
    watermarks, fingerprints = house.recovery.algorithms()
    return {
        "watermarks": [{"alg": name} for name in watermarks],
        "fingerprints": [{"alg": name} for name in fingerprints],
    }


def _matches(found: Sequence[Recovered], max_results: int) -> Json:
    return {
        "matches": [
            {
                "manifestId": each.release.manifest,
                "similarityScore": each.similarity,
                **({"withdrawn": withdrawn_view(each.withdrawal)} if each.withdrawal else {}),
            }
            for each in found[:max_results]
        ]
    }


def _decoded(value: str) -> bytes:
    # In an address `+` is a space unless it is escaped.
    try:
        return base64.b64decode(value.replace(" ", "+"), validate=True)
    except (binascii.Error, ValueError) as error:
        raise InvalidRequestError("the value of a soft binding is not Base64", "value") from error
