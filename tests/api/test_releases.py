from __future__ import annotations

import hashlib

import pytest


@pytest.fixture
def released(client, ada, house):
    """A video that was released to ada."""
    id_ = client.post("/v1/videos", json={"prompt": "a green field", "seconds": 1}, headers=ada).json()["id"]
    house.queue.work()
    return house.ledger.release_of_job(id_)


def test_a_release_names_its_decisions_marks_and_digest(client, ada, house, released):
    view = client.get(f"/v1/releases/{released.id}", headers=ada).json()

    assert view["release"] == released.id
    assert [house.ledger.decision(id_).checkpoint for id_ in view["decisions"]] == ["prompt", "output"]
    assert (view["sha256"], view["watermark"], view["manifest"]) == (
        released.sha256,
        released.watermark,
        released.manifest,
    )


def test_the_content_of_a_release_is_the_file_that_was_recorded(client, ada, released):
    answer = client.get(f"/v1/releases/{released.id}/content", headers=ada)

    assert answer.headers["content-type"] == "video/mp4"
    assert answer.headers["etag"] == f'"{released.sha256}"'
    assert f"{released.id}.mp4" in answer.headers["content-disposition"]
    assert hashlib.sha256(answer.content).hexdigest() == released.sha256


def test_auditors_and_reviewers_see_every_release_and_other_requesters_none(client, bob, as_, released):
    for suffix in ("", "/content"):
        path = f"/v1/releases/{released.id}{suffix}"
        assert client.get(path, headers=as_("auditor")).status_code == 200
        assert client.get(path, headers=as_("reviewer")).status_code == 200
        refused = client.get(path, headers=bob)
        assert refused.status_code == 404
        assert released.job not in refused.text


def test_nothing_but_a_release_can_be_downloaded(client, ada, as_, house, released):
    """Not the marked file that was screened, not a decision, not a path."""
    marked = house.jobs.get(released.job).outputs["mark"]["sha256"]
    for name in (marked, released.sha256, released.decisions[0], "..%2f..%2fkeys%2fledger.key", "rel_none"):
        assert client.get(f"/v1/releases/{name}/content", headers=as_("admin")).status_code == 404
