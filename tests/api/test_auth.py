from __future__ import annotations

import pytest

from api.app import ROUTES, create_app

PUBLIC = {
    ("GET", "/openapi.json"),
    ("GET", "/v1/ledger/checkpoint"),
    ("GET", "/v1/ledger/key"),
    ("GET", "/v1/ledger/consistency"),
    ("POST", "/v1/ledger/cosignatures"),  # a known witness signed, or nothing is taken
    ("POST", "/v1/verify"),
    ("GET", "/v1/c2pa/matches/byBinding"),
    ("POST", "/v1/c2pa/matches/byBinding"),
    ("POST", "/v1/c2pa/matches/byContent"),
    ("GET", "/v1/c2pa/manifests/{manifestId}"),
    ("GET", "/v1/c2pa/services/supportedAlgorithms"),
    ("GET", "/healthz"),
    ("GET", "/readyz"),
    ("GET", "/metrics"),
}

GUARDED = [
    (method, route.path)
    for route in create_app().routes
    for method in sorted(route.methods - {"HEAD"})
    if (method, route.path) not in PUBLIC
]

BY_SCOPE = {
    "requester": {("POST", "/v1/moderations"), ("GET", "/v1/videos")},
    "auditor": {("GET", "/v1/decisions")},
    "reviewer": {("GET", "/v1/reviews")},
}


def ask(client, method, path, headers):
    concrete = path.replace("{video}", "video_1").replace("{release}", "rel_1").replace("{scan}", "scan_1")
    body = {"json": {"input": "a tree"}} if method == "POST" else {}
    return client.request(method, concrete.replace("{decision}", "dec_1"), headers=headers, **body)


def test_there_are_guarded_routes():
    assert len(GUARDED) >= 12
    assert len(ROUTES) >= 8


@pytest.mark.parametrize("header", [None, "Bearer", "Bearer fg_wrong", "Basic YTpi", "fg_wrong"])
def test_every_guarded_route_refuses_whoever_shows_no_known_key(client, header):
    for method, path in GUARDED:
        answer = ask(client, method, path, {"authorization": header} if header else {})

        assert answer.status_code == 401, (method, path)
        assert answer.headers["www-authenticate"] == "Bearer"
        assert "fg_wrong" not in answer.text


@pytest.mark.parametrize("scope", BY_SCOPE)
@pytest.mark.parametrize(("needed", "routes"), BY_SCOPE.items())
def test_a_scope_opens_its_own_routes_and_no_other(client, as_, scope, needed, routes):
    key = as_(scope)
    for method, path in routes:
        assert ask(client, method, path, key).status_code == (200 if scope == needed else 403)


def test_admin_implies_every_scope(client, as_):
    key = as_("admin")
    for method, path in set().union(*BY_SCOPE.values()):
        assert ask(client, method, path, key).status_code == 200


def test_a_revoked_key_is_refused_at_once(client, house):
    key, secret = house.keys.create("test", {"auditor"})
    headers = {"authorization": f"Bearer {secret}"}
    assert client.get("/v1/decisions", headers=headers).status_code == 200

    house.keys.revoke(key.id)

    assert client.get("/v1/decisions", headers=headers).status_code == 401


def test_the_word_bearer_is_read_in_any_case(client, house):
    _, secret = house.keys.create("test", {"auditor"})

    assert client.get("/v1/decisions", headers={"authorization": f"bearer {secret}"}).status_code == 200


def test_public_routes_need_no_key(client):
    """Whoever shows no key is answered; where more must be said, that is what is missing, not a key."""
    answers = {(method, path): client.request(method, path).status_code for method, path in PUBLIC}

    assert {route: status for route, status in answers.items() if status != 200} == {
        ("POST", "/v1/ledger/cosignatures"): 422,
        ("POST", "/v1/verify"): 422,
        ("GET", "/v1/ledger/consistency"): 422,
        ("GET", "/v1/c2pa/matches/byBinding"): 422,
        ("POST", "/v1/c2pa/matches/byBinding"): 422,
        ("POST", "/v1/c2pa/matches/byContent"): 422,
        ("GET", "/v1/c2pa/manifests/{manifestId}"): 404,
    }


def test_an_unknown_key_is_refused_before_an_upload_is_stored(client, house):
    answer = client.post("/v1/scans", files={"file": ("a.mp4", b"x" * 1000)})

    assert answer.status_code == 401
    assert not (house.settings.home / "uploads").exists()
