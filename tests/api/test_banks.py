"""Known content over HTTP and on the command line: banked once, refused ever after, by whatever copy of it."""

from __future__ import annotations

import json
import sys

import cv2
import numpy as np
import pytest
import skimage.data

from api.cli import main
from media.codec import encode_mp4
from safety.banking import new_item_of
from safety.domain import Action
from safety.errors import InvalidContent
from safety.policy_states import PolicyState
from tests.world import POLICY_FILE

HASH = "f8f8f0cee0f4a84f06370a22038f63f0b36e2ed596621e1d33e6b39c4e9c9b22"
BANK = {"id": "shared", "category": "violence", "owner": "GIFCT", "reason": "programme"}


def pan(picture: np.ndarray, seconds: float = 3.0, width: int = 320, height: int = 240) -> list[np.ndarray]:
    """A slow pan over a photograph, 12 frames a second."""
    count = int(seconds * 12)
    room = picture.shape[1] - 400
    crops = [picture[:300, room * at // count : room * at // count + 400] for at in range(count)]
    return [np.ascontiguousarray(cv2.resize(crop, (width, height), interpolation=cv2.INTER_AREA)) for crop in crops]


@pytest.fixture
def admin(as_):
    return as_("admin")


@pytest.fixture(scope="module")
def films(tmp_path_factory):
    """A video, a smaller, trimmed and coarser copy of it, and another video."""
    folder = tmp_path_factory.mktemp("films")
    coffee, face = pan(skimage.data.coffee()), pan(skimage.data.astronaut())
    encode_mp4(coffee, folder / "original.mp4", fps=12.0, crf=18)
    small = [cv2.resize(frame, (160, 120), interpolation=cv2.INTER_AREA) for frame in coffee[7:30]]
    encode_mp4(small, folder / "copy.mp4", fps=12.0, crf=33)
    encode_mp4(face, folder / "other.mp4", fps=12.0, crf=18)
    return folder


def test_an_admin_makes_fills_exports_and_removes_a_bank(client, admin):
    made = client.post("/v1/banks", json={**BANK, "until": "2999-01-01T00:00:00Z"}, headers=admin)
    assert (made.status_code, made.json()["items"]) == (201, 0)

    added = client.post("/v1/banks/shared/items", content=f"pdq {HASH}\nmd5 abc\n", headers=admin)
    assert added.status_code == 201
    assert (len(added.json()["items"]), added.json()["other_types"]) == (1, 1)
    (item,) = added.json()["items"]
    again = client.post("/v1/banks/shared/items", content=HASH, headers=admin).json()
    assert (again["items"], again["there_already"]) == ([], 1)
    assert client.get("/v1/banks", headers=admin).json()["data"][0]["items"] == 1

    exported = client.get("/v1/banks/shared/items", headers=admin)
    assert exported.json()["data"] == [
        {"id": item, "indicator": HASH, "type": "HASH_PDQ", "status": "MALICIOUS", "source": ""}
    ]
    assert HASH in client.get("/v1/banks/shared/items?format=csv", headers=admin).text
    hma = client.get("/v1/banks/shared/items?format=hma", headers=admin).json()
    assert hma["content"][0]["signals"] == {"pdq": HASH}

    gone = client.delete(f"/v1/banks/shared/items/{item}", params={"reason": "mistake"}, headers=admin)
    assert gone.status_code == 204
    assert client.get("/v1/banks/shared/items", headers=admin).json()["data"] == []
    assert client.delete("/v1/banks/shared", params={"reason": "over"}, headers=admin).status_code == 204
    assert client.get("/v1/banks", headers=admin).json()["data"] == []


@pytest.mark.parametrize(
    ("method", "path", "sent", "status"),
    [
        ("POST", "/v1/banks", {"json": {**BANK, "category": "weather"}}, 422),
        ("POST", "/v1/banks", {"json": {**BANK, "id": "no spaces"}}, 422),
        ("POST", "/v1/banks", {"json": {**BANK, "until": "2001-01-01T00:00:00Z"}}, 409),
        ("POST", "/v1/banks/none/items", {"content": HASH}, 404),
        ("POST", "/v1/banks/none/items", {"content": b"\xff"}, 422),
        ("POST", "/v1/banks/none/items", {"content": "pdq nothing"}, 422),
        ("GET", "/v1/banks/none/items", {}, 404),
        ("GET", "/v1/banks/none/items?format=xml", {}, 422),
        ("DELETE", "/v1/banks/none", {}, 422),
        ("DELETE", "/v1/banks/none", {"params": {"reason": "why"}}, 404),
        ("DELETE", "/v1/banks/none/items/known_0", {"params": {"reason": "why"}}, 404),
    ],
)
def test_what_cannot_be_meant_is_a_problem(client, admin, method, path, sent, status):
    answer = client.request(method, path, headers=admin, **sent)

    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("scope", ["requester", "reviewer", "auditor"])
def test_others_may_not(client, as_, scope):
    assert client.get("/v1/banks", headers=as_(scope)).status_code == 403
    assert client.post("/v1/banks", json=BANK, headers=as_(scope)).status_code == 403


def test_a_copy_of_what_is_banked_shows_in_screening_and_scanning_and_another_video_does_not(house, films):
    def known(measurement):
        return {score.signal: score for score in measurement.scores if score.signal.startswith("video.known_content")}

    before = known(house.gate.screen_video(films / "copy.mp4").measurement)
    assert {score.value for score in before.values()} == {0.0}
    assert before["video.known_content"].detail == "banks:0 items:0"

    house.banks.create("shared", category="violence", owner="us", reason="why", until=None, actor="root")
    (item,) = house.banks.add("shared", [new_item_of(films / "original.mp4", house.limits)], actor="root")

    screened = known(house.gate.screen_video(films / "copy.mp4").measurement)
    assert screened["video.known_content.violence"].value > 0.9
    assert screened["video.known_content.violence"].detail == f"bank:shared/{item}"
    assert known(house.scanner.scan(films / "copy.mp4")[1].measurement)["video.known_content.violence"].value > 0.9
    other = known(house.gate.screen_video(films / "other.mp4").measurement)
    assert {score.value for score in other.values()} == {0.0}
    assert other["video.known_content"].detail == "banks:1 items:1"


def test_a_policy_that_is_tried_or_goes_live_has_its_own_categories_of_known_content_measured(house, films):
    """Of the line-up, not of the file that the settings name: else every video waits for what nobody reports."""
    asking = (
        POLICY_FILE
        + b"""[categories.weapons]
clause = "No weapons."
[[rules]]
id = "output.known_weapons"
checkpoint = "output"
category = "weapons"
signal = "video.known_content.weapons"
threshold = 0.8
action = "block"
"""
    )
    asking = asking.replace(b"text.odd", b"text.hate").replace(b"frame.red", b"video.known_content")
    before = house.known_content.version
    who = {"by": "ada", "reason": "to see"}
    policy = house.policy_book.register(asking, **who).policy
    house.policy_book.promote(policy, PolicyState.SHADOW, **who)
    (trial,) = house.gate.screen_video(films / "other.mp4").trials
    assert trial.action is Action.ALLOW
    assert house.known_content.version != before

    house.policy_book.promote(policy, PolicyState.LIVE, unproven=True, **who)
    clean = house.gate.screen_video(films / "other.mp4")
    assert (clean.verdict.policy, clean.verdict.action, clean.verdict.unmeasured) == (policy, Action.ALLOW, ())

    house.banks.create("arms", category="weapons", owner="us", reason="why", until=None, actor="root")
    house.banks.add("arms", [new_item_of(films / "original.mp4", house.limits)], actor="root")
    found = house.gate.screen_video(films / "copy.mp4").verdict.findings
    assert "output.known_weapons" in {each.rule for each in found if each.action is Action.BLOCK}


def test_a_picture_is_banked_and_found_in_a_video_and_a_flat_one_is_refused(house, films, tmp_path):
    coffee = pan(skimage.data.coffee())
    cv2.imwrite(str(tmp_path / "still.png"), coffee[12][:, :, ::-1])
    cv2.imwrite(str(tmp_path / "flat.png"), np.full((240, 320, 3), 90, np.uint8))

    item = new_item_of(tmp_path / "still.png", house.limits)

    assert [frame.time_s for frame in item.frames] == [None]
    with pytest.raises(InvalidContent, match="texture"):
        new_item_of(tmp_path / "flat.png", house.limits)
    house.banks.create("stills", category="violence", owner="us", reason="why", until=None, actor="root")
    house.banks.add("stills", [item], actor="root")
    scores = house.gate.screen_video(films / "copy.mp4").measurement.scores
    place = max((score for score in scores if score.signal == "video.known_content"), key=lambda each: each.value)
    assert place.value > 0.9
    assert place.span.start_s <= (12 - 7) / 12 <= place.span.end_s + 0.1


def test_the_command_line_keeps_the_same_banks(tmp_path, monkeypatch, capsys, films):
    monkeypatch.setenv("FRAMEGATE_HOME", str(tmp_path / "home"))
    (tmp_path / "hashes.csv").write_text(f"pdq {HASH}\n", encoding="utf-8")

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["framegate", "bank", *map(str, arguments)])
        with pytest.raises(SystemExit) as left:
            main()
        lines = capsys.readouterr().out.splitlines()
        return int(left.value.code or 0), [json.loads(line) for line in lines if line.startswith("{")]

    create = ("create", "shared", "--category", "extremism", "--owner", "GIFCT", "--reason", "programme")
    code, (made,) = run(*create, "--until", "2999-01-01", "--json")
    assert (code, made["category"], made["until"]) == (0, "extremism", "2999-01-01T00:00:00+00:00")
    assert run("import", "shared", tmp_path / "hashes.csv", "--json")[1][0]["added"] == 1
    code, (added,) = run("add", "shared", films / "original.mp4", "--json")
    assert (code, added["file"], added["frames"] > 8) == (0, "original.mp4", True)
    assert run("list", "--json")[1][0]["items"] == 2
    for form in ("csv", "threatexchange", "hma"):
        assert run("export", "shared", "--out", tmp_path / "out", "--as", form)[0] == 0
        assert HASH in (tmp_path / "out").read_text(encoding="utf-8")
    assert run("remove", "shared", added["item"], "--reason", "mistake")[0] == 0
    assert run("remove", "shared", "--reason", "over")[0] == 0
    assert run("list", "--json") == (0, [])
    assert run("list", "--all", "--json")[1][0]["items"] == 0
    assert run("import", "shared", tmp_path / "hashes.csv")[0] == 2
    assert run("export", "shared", "--out", tmp_path / "out")[0] == 2
    assert run("import", "shared", tmp_path / "nothing.csv")[0] == 2
