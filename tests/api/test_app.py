from __future__ import annotations

import inspect
import re
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from starlette.testclient import TestClient

from api.app import create_app
from api.commands.jobs import generate
from api.settings import Settings
from api.video_schemas import VideoBody
from api.wiring import House, prepare
from safety.errors import LedgerError


def test_building_the_app_opens_nothing(tmp_path, monkeypatch):
    monkeypatch.setenv("FRAMEGATE_HOME", str(tmp_path / "home"))

    create_app()

    assert list(tmp_path.iterdir()) == []


def test_the_app_closes_the_house_it_opened_and_no_other(house, settings):
    with TestClient(create_app(house=house)):
        pass
    house.prompt_gate.check_prompt("still open")

    opened: list[House] = []

    def open_one(given):
        opened.append(type(house)(given))
        return opened[0]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("api.app.House", open_one)
        with TestClient(create_app(settings)):
            opened[0].prompt_gate.check_prompt("open")

    with pytest.raises(LedgerError, match="closed"):
        opened[0].prompt_gate.check_prompt("closed")


def test_no_page_loads_anything_from_the_network(client):
    for path in ("/docs", "/redoc", "/docs/oauth2-redirect"):
        assert client.get(path).status_code == 404
    assert "http" not in re.sub(r"https?://framegate\.invalid", "", client.get("/openapi.json").text)


def test_the_description_of_the_api_names_every_route_and_body(client):
    description = client.get("/openapi.json").json()

    assert {path for path in description["paths"] if path.startswith("/v1/videos")} == {
        "/v1/videos",
        "/v1/videos/{video}",
        "/v1/videos/{video}/content",
        "/v1/videos/{video}/remix",
        "/v1/videos/edits",
        "/v1/videos/extensions",
    }
    videos = description["paths"]["/v1/videos"]["post"]["requestBody"]["content"]
    assert "prompt" in videos["application/json"]["schema"]["properties"]
    scans = description["paths"]["/v1/scans"]["post"]["requestBody"]["content"]
    assert "file" in scans["multipart/form-data"]["schema"]["properties"]


def test_two_apps_stand_side_by_side(house, tmp_path):
    other = type(house)(Settings(home=tmp_path / "other"))
    prepare(other.settings, queue=False)
    with TestClient(create_app(house=house)) as one, TestClient(create_app(house=other)) as two:
        key = {"authorization": f"Bearer {house.keys.create('test', {'auditor'})[1]}"}
        assert one.get("/v1/decisions", headers=key).status_code == 200
        assert two.get("/v1/decisions", headers=key).status_code == 401
    other.close()


def test_defaults_are_those_of_the_command_line():
    told = inspect.signature(generate).parameters

    assert {name: getattr(VideoBody(prompt="x"), name) for name in ("seconds", "size", "seed")} == {
        name: told[name].default for name in ("seconds", "size", "seed")
    }


def test_more_prompts_at_once_than_there_is_room_for_are_sent_away_and_told_when_to_return(house, ada):
    """Nobody queues without end, the rest of the service answers meanwhile, and a turn that ends is free again."""
    house.settings = house.settings.model_copy(update={"judging_at_once": 2})
    inside, go_on = threading.Semaphore(0), threading.Event()

    class Slow(type(house.words)):
        def score(self, content):
            inside.release()
            assert go_on.wait(60)
            return super().score(content)

    house.text_classifiers = (Slow(house.words.words),)
    with TestClient(create_app(house=house)) as client, ThreadPoolExecutor(2) as pool:

        def ask():
            return client.post("/v1/moderations", json={"input": "a red ball"}, headers=ada)

        waiting = [pool.submit(ask) for _ in range(2)]
        assert all(inside.acquire(timeout=60) for _ in waiting)
        try:
            refused = ask()
            videos = client.post("/v1/videos", json={"prompt": "a red ball"}, headers=ada)
            alive, listed = client.get("/healthz"), client.get("/v1/videos", headers=ada)
        finally:
            go_on.set()
        answered = [each.result(60) for each in waiting]
        afterwards = ask()

    assert (refused.status_code, videos.status_code) == (503, 503)
    assert refused.headers["retry-after"] == "1"
    assert refused.json()["error"]["code"] == "overloaded"
    assert (alive.status_code, listed.status_code) == (200, 200)
    assert [each.status_code for each in (*answered, afterwards)] == [200, 200, 200]
