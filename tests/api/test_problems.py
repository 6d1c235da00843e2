from __future__ import annotations

import asyncio
import importlib
import logging
import pkgutil

import pytest
from pydantic import BaseModel, ValidationError

import api
import classifiers
import generator
import media
import provenance
import safety
from api.app import create_app
from api.errors import PROBLEMS, ApiError, problem_of
from api.faults import explain_validation
from api.ownership import ForeignPackageError
from api.problems import invalid
from classifiers.base import ClassifierError
from generator.base import GeneratorError
from media.errors import MediaError, StorageError
from provenance.base import ProvenanceError
from safety.errors import DatabaseError, SafetyError

BASES = (ApiError, ForeignPackageError, SafetyError, MediaError, ClassifierError, ProvenanceError, GeneratorError)
SECRET = "an unmistakable purple zebra"


def every_class_of_the_house() -> set[type[Exception]]:
    for package in (api, safety, classifiers, provenance, generator, media):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if ".training" not in module.name and not module.name.endswith("__main__"):
                importlib.import_module(module.name)
    found, todo = set[type[Exception]](), list(BASES)
    while todo:
        kind = todo.pop()
        found.add(kind)
        todo += kind.__subclasses__()
    return {kind for kind in found if kind.__module__.partition(".")[0] not in ("tests", "test_problems")}


def test_every_exception_class_of_the_house_is_a_problem():
    assert every_class_of_the_house() == set(PROBLEMS)


def test_slugs_of_different_statuses_differ():
    statuses: dict[str, set[int]] = {}
    for problem in PROBLEMS.values():
        statuses.setdefault(problem.slug, set()).add(problem.status)

    assert all(len(each) == 1 for each in statuses.values())


def test_a_class_derived_later_is_the_problem_of_its_parent():
    class Fresh(DatabaseError):
        pass

    assert problem_of(Fresh("x")) == PROBLEMS[DatabaseError]


def test_a_problem_of_ours_is_problem_json_with_the_request_id(client, as_):
    answer = client.get("/v1/decisions/dec_none", headers=as_("auditor"))

    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json() == {
        "type": "https://framegate.invalid/problems/not-found",
        "title": "Not found",
        "status": 404,
        "detail": "no decision has the id dec_none",
        "instance": "/v1/decisions/dec_none",
        "request_id": answer.headers["x-request-id"],
    }


def test_a_problem_on_an_openai_route_is_the_envelope(client, ada):
    answer = client.get("/v1/videos/video_none", headers=ada)

    assert answer.status_code == 404
    assert answer.json() == {
        "error": {
            "message": "no job has the id video_none",
            "type": "invalid_request_error",
            "param": None,
            "code": "not_found",
        }
    }


def test_a_request_id_is_taken_over_when_it_is_harmless_and_made_otherwise(client):
    assert client.get("/healthz", headers={"x-request-id": "trace-12345"}).headers["x-request-id"] == "trace-12345"
    made = client.get("/healthz", headers={"x-request-id": "<script>alert(1)</script>"}).headers["x-request-id"]
    assert made.startswith("req_")


@pytest.mark.parametrize(("path", "status"), [("/v1/nothing", 404), ("/v1/moderations", 405), ("/healthz/deeper", 404)])
def test_what_the_framework_refuses_is_a_problem_too(client, path, status):
    answer = client.get(path)

    assert answer.status_code == status
    assert "json" in answer.headers["content-type"]
    assert "error" in answer.json() or answer.json()["status"] == status


class Exploding:
    """A classifier with a fault, and the prompt in its exception."""

    name = "exploding"
    version = "1"
    accepts = str
    signals = frozenset({"text.violence", "text.odd"})

    def score(self, content):
        raise RuntimeError(f"cannot judge {content}")


def test_an_unexpected_fault_is_told_by_the_request_id_alone(client, house, ada, caplog):
    house.prompt_gate.instruments.__dict__["text"] = (Exploding(),)

    with caplog.at_level(logging.INFO):
        answer = client.post("/v1/moderations", json={"input": SECRET}, headers=ada)

    assert answer.status_code == 500
    assert answer.json()["error"]["type"] == "server_error"
    assert answer.headers["x-request-id"] in answer.json()["error"]["message"]
    assert answer.headers["x-request-id"] in caplog.text
    assert "RuntimeError" in caplog.text
    assert "test_problems.py" in caplog.text
    assert SECRET not in answer.text + caplog.text


def test_a_fault_of_the_house_does_not_show_its_paths(client, house, as_, monkeypatch):
    def lost(_decision):
        raise StorageError("/srv/secret/place cannot be read")

    monkeypatch.setattr(house.ledger, "decision", lost)

    answer = client.get("/v1/decisions/dec_1", headers=as_("auditor"))

    assert answer.status_code == 507
    assert "secret" not in answer.text
    assert answer.json()["request_id"] in answer.json()["detail"]


@pytest.mark.parametrize(
    "body",
    [
        {"input": [SECRET, 7]},
        {"input": {"text": SECRET}},
        {"input": SECRET, "surprise": SECRET},
        {"input": SECRET + "x" * 1000},
        {"input": [{"type": "text", "text": SECRET}, {"type": "audio", "text": SECRET}]},
        SECRET,
    ],
)
def test_an_invalid_request_is_explained_without_repeating_it(client, ada, body, caplog):
    with caplog.at_level(logging.DEBUG):
        answer = client.post("/v1/moderations", json=body, headers=ada)

    assert answer.status_code == 400
    assert answer.json()["error"]["message"]
    assert SECRET not in answer.text + caplog.text


def test_a_body_that_is_not_json_is_refused(client, ada):
    answer = client.post("/v1/moderations", content=b"{", headers={**ada, "content-type": "application/json"})

    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "invalid_request"


def test_validation_names_the_field():
    class Form(BaseModel):
        width: int

    with pytest.raises(ValidationError) as caught:
        Form(width="wide")

    assert invalid(caught.value).param == "width"
    assert "wide" not in str(invalid(caught.value)).replace("width", "")


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"input": 7}, "input must be a text, or must be a list"),
        ({}, "input is missing: send it"),
        ({"input": "a", "storybord": True}, "storybord is not known here: leave it out, or check how it is spelt"),
        ({"input": "a", "rewrite": "perhaps"}, "rewrite must be true or false"),
        (
            {"input": "a", "safety_identifier": "two words"},
            "safety_identifier is not of the form that is taken here: 1 to 200 letters, digits and signs of ASCII, "
            "without blanks",
        ),
        ([], "the body must be a JSON object with the fields of this request"),
    ],
)
def test_a_fault_says_which_field_what_is_wrong_and_what_to_send(client, ada, body, said):
    assert client.post("/v1/moderations", json=body, headers=ada).json()["error"]["message"] == said


def test_no_word_of_the_validator_reaches_a_client(client, as_):
    answer = client.post("/v1/consents", json={"names": [], "requester": "a b", "until": "soon"}, headers=as_("admin"))

    assert answer.status_code == 422
    assert answer.json()["detail"].startswith("names holds too few: send at least 1; requester is not of the form")
    assert "must be a time, such as 2030-01-31T12:00:00Z" in answer.json()["detail"]
    for foreign in ("Input should", "String should", "Value error", "permitted", "required", "x21"):
        assert foreign not in answer.text


def test_a_fault_of_a_kind_that_nobody_foresaw_is_told_without_the_value():
    fault = {"type": "brand_new", "loc": ("body", "prompt"), "msg": f"what is {SECRET}?", "ctx": {"given": SECRET}}

    assert explain_validation([fault]) == ("prompt cannot be read: see the route's description", "prompt")
    assert explain_validation([]) == ("the request cannot be read", None)


def test_a_request_that_declares_too_much_is_refused_unread(client, ada):
    answer = client.post("/v1/moderations", json={"input": "x" * 30_000}, headers=ada)

    assert answer.status_code == 413
    assert answer.json()["error"]["code"] == "request_too_large"
    assert answer.headers["x-request-id"]


def test_a_request_that_grows_too_large_is_cut_off(house, ada):
    """Without a declared length: the bytes are counted as they come."""
    chunks = [b'{"input": "', *[b"x" * 1000] * 1000]
    taken = []

    async def receive():
        taken.append(1)
        return {"type": "http.request", "body": chunks[len(taken) - 1], "more_body": len(taken) < len(chunks)}

    sent = served(house, receive, [(b"content-type", b"application/json"), secret_of(ada)])

    assert sent[0]["status"] == 413
    assert b"request_too_large" in sent[1]["body"]
    assert len(taken) < 25


def test_a_client_that_goes_away_is_counted_and_nobody_is_alarmed(house, ada, caplog):
    async def gone():
        return {"type": "http.disconnect"}

    sent = served(house, gone, [(b"content-type", b"multipart/form-data; boundary=x"), secret_of(ada)], "/v1/videos")

    assert sent == []
    assert "unexpected" not in caplog.text


def secret_of(headers):
    return b"authorization", headers["authorization"].encode()


def served(house, receive, headers, path="/v1/moderations"):
    """Call the app as a server does, with a body that arrives in pieces."""
    app, sent = create_app(house=house), []
    app.state.house = house
    scope = {"type": "http", "http_version": "1.1", "method": "POST", "path": path, "query_string": b""}

    async def send(message):
        sent.append(message)

    asyncio.run(app({**scope, "headers": headers, "scheme": "http", "server": ("test", 80)}, receive, send))
    return sent


def test_an_upload_may_be_larger_than_other_requests_and_has_its_own_end(client, ada):
    small = client.post("/v1/scans", files={"file": ("a.mp4", b"x" * 100_000)}, headers=ada)
    large = client.post("/v1/scans", files={"file": ("a.mp4", b"x" * 3_100_000)}, headers=ada)

    assert small.status_code == 202
    assert large.status_code == 413
    assert large.json()["type"].endswith("/request-too-large")


def test_answers_are_not_cached_and_not_sniffed(client, ada):
    answer = client.get("/v1/videos", headers=ada)

    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"
