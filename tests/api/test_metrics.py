from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from prometheus_client.parser import text_string_to_metric_families
from starlette.testclient import TestClient

from api.app import create_app
from api.metrics import Metrics
from api.wiring import now
from provenance.base import SignerUnusable
from safety.drift import Drift
from safety.errors import DatabaseError, LedgerError
from safety.jobs import Heartbeats


def scrape(client):
    """Every sample by name and labels."""
    answer = client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    return {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def test_requests_are_counted_by_route_and_not_by_address(client, ada):
    for name in ("video_1", "video_2"):
        client.get(f"/v1/videos/{name}", headers=ada)
    client.get("/nowhere/at/all")

    counts = scrape(client)

    assert counts["framegate_requests_total", *sorted(("/v1/videos/{video}", "GET", "404"))] == 2
    assert counts["framegate_requests_total", *sorted(("unmatched", "GET", "404"))] == 1
    assert counts["framegate_request_seconds_count", "/v1/videos/{video}"] == 2


def test_invented_methods_are_one_series(client):
    for number in range(5):
        client.request(f"BREW{number}", "/healthz")

    counts = scrape(client)

    assert sum(value for key, value in counts.items() if key[0] == "framegate_requests_total" and "other" in key) == 5
    assert not any("BREW" in label for key in counts for label in key[1:])


def test_decisions_of_every_process_are_counted_with_time_and_gaps(client, house):
    house.prompt_gate.check_prompt("a tree")
    house.prompt_gate.check_prompt("blood")
    house.words.broken = True
    house.prompt_gate.check_prompt("a house")

    counts = scrape(client)

    assert counts["framegate_decisions_total", "allow", "policy", "prompt"] == 1
    assert counts["framegate_decisions_total", "block", "policy", "prompt"] == 1
    assert counts["framegate_decisions_total", "policy", "prompt", "review"] == 1
    assert counts["framegate_gate_seconds_count", "prompt"] == 3
    assert counts["framegate_unmeasured_total", "prompt", "text.violence"] == 1
    assert counts["framegate_ledger_entries",] == 3
    assert scrape(client)["framegate_decisions_total", "block", "policy", "prompt"] == 1


def test_what_was_recorded_before_the_start_is_not_counted_again(house):
    house.prompt_gate.check_prompt("a tree")

    with TestClient(create_app(house=house)) as client:
        counts = scrape(client)

    assert not [key for key in counts if key[0] == "framegate_decisions_total"]


def test_jobs_are_counted_where_they_stand(client, ada, house):
    for prompt in ("a green field", "a red field", "an odd field"):
        client.post("/v1/videos", json={"prompt": prompt, "seconds": 1}, headers=ada)
    assert scrape(client)["framegate_jobs", "queued"] == 3

    house.queue.work()

    counts = scrape(client)
    assert [counts["framegate_jobs", status] for status in ("queued", "released", "refused", "held")] == [0, 1, 1, 1]
    assert counts["framegate_releases_total",] == 1


def test_two_apps_count_apart():
    one, other = Metrics(), Metrics()

    one.observe_request("/x", "GET", 200, 0.1)

    assert one.registry.get_sample_value("framegate_request_seconds_count", {"route": "/x"}) == 1
    assert other.registry.get_sample_value("framegate_request_seconds_count", {"route": "/x"}) is None


def test_scrapes_at_once_count_each_decision_once(client, house):
    for _ in range(20):
        house.prompt_gate.check_prompt("a tree")
    threads = [threading.Thread(target=lambda: client.get("/metrics")) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert scrape(client)["framegate_decisions_total", "allow", "policy", "prompt"] == 20


# ---- health and readiness --------------------------------------------------------------------


def test_a_living_process_says_so(client):
    assert client.get("/healthz").json() == {"status": "alive"}


def test_readiness_names_what_is_measured_and_what_is_not_and_why(client):
    answer = client.get("/readyz")
    checkpoints = answer.json()["checkpoints"]

    assert answer.status_code == 200
    assert checkpoints["prompt"] == {"measured": ["text.odd", "text.violence"], "unmeasured": []}
    assert checkpoints["output"]["measured"] == ["frame.red"]
    assert checkpoints["upload"]["measured"] == ["origin.likely_synthetic"]


def test_readiness_tells_of_a_classifier_that_is_missing(house):
    house.text_classifiers = ()

    with TestClient(create_app(house=house)) as client:
        prompt = client.get("/readyz").json()["checkpoints"]["prompt"]

    assert prompt["measured"] == []
    assert [row["signal"] for row in prompt["unmeasured"]] == ["text.odd", "text.violence"]
    assert all(row["reason"] for row in prompt["unmeasured"])


def test_readiness_counts_the_workers_that_were_heard_of_lately(client, house):
    readiness = client.app.state.readiness
    assert client.get("/readyz").json()["workers"] == 0
    for executor, age_s in (("one", 0), ("two", 5), ("dead", 3000)):
        at = now() - timedelta(seconds=age_s)
        Heartbeats(house.engine, executor, lambda at=at: at).beat()
    readiness._looked_at = float("-inf")

    answer = client.get("/readyz")

    assert (answer.status_code, answer.json()["workers"]) == (200, 2)


def test_readiness_is_lost_with_the_ledger_and_comes_back(client, house, monkeypatch):
    readiness = client.app.state.readiness

    def gone():
        raise DatabaseError("the database is gone")

    with monkeypatch.context() as patch:
        patch.setattr(house.ledger, "checkpoint", gone)
        lost = client.get("/readyz")
    readiness._looked_at = float("-inf")

    assert lost.status_code == 503
    assert lost.json()["ledger"] == "not usable (DatabaseError)"
    assert client.get("/readyz").status_code == 200


def test_readiness_still_reports_when_the_database_is_away_that_says_which_policy_judges(client, house, monkeypatch):
    readiness = client.app.state.readiness

    def gone():
        raise DatabaseError("the database is gone")

    with monkeypatch.context() as patch:
        patch.setattr(house.ledger, "checkpoint", gone)
        patch.setattr(house.policy_book, "newest", gone)
        lost = client.get("/readyz")
    readiness._looked_at = float("-inf")

    assert lost.status_code == 503
    assert lost.json() == {
        "ready": False,
        "ledger": "not usable (DatabaseError)",
        "workers": None,
        "policy": None,
        "policy_fault": "not usable (DatabaseError)",
        "checkpoints": {},
    }
    assert client.get("/readyz").json()["policy"] == house.policy.digest


def test_a_database_that_is_gone_is_a_503_and_life_goes_on(client, ada, house, monkeypatch):
    def gone(_decision):
        raise LedgerError("disk I/O error in /srv/framegate.db")

    monkeypatch.setattr(house.ledger, "append_decision", gone)

    answer = client.post("/v1/moderations", json={"input": "a tree"}, headers=ada)

    assert answer.status_code == 503
    assert answer.json()["error"]["code"] == "ledger_unavailable"
    assert "/srv" not in answer.text
    assert client.get("/healthz").status_code == 200


# ---- starting --------------------------------------------------------------------------------


def test_a_house_that_fails_its_self_test_is_not_served(house, monkeypatch):
    def broken():
        raise SignerUnusable("the certificate expired")

    monkeypatch.setattr(house.signer, "self_test", broken, raising=False)

    with pytest.raises(SignerUnusable, match="expired"), TestClient(create_app(house=house)):
        pass


def test_drifting_signals_are_told_and_unmeasured_ones_are_not_called_calm():
    metrics = Metrics()

    metrics.watch_drift([Drift("a", 0.3, 900, 900), Drift("b", 0.01, 900, 900), Drift("c", None, 3, 900)], 0.25)

    told = {
        (sample.name, sample.labels["signal"]): sample.value
        for family in metrics.registry.collect()
        for sample in family.samples
        if family.name.startswith("framegate_score")
    }
    assert told == {
        ("framegate_score_drift", "a"): 0.3,
        ("framegate_score_drift", "b"): 0.01,
        ("framegate_score_drifting", "a"): 1,
        ("framegate_score_drifting", "b"): 0,
    }


def test_drift_is_looked_for_once_an_hour_and_stands_in_the_metrics(client, house):
    house.prompt_gate.check_prompt("a tree")

    first = client.app.state.drift_watch.look(house)
    house.prompt_gate.check_prompt("a house")

    assert {each.signal for each in first} >= {"text.violence", "text.odd"}
    assert client.app.state.drift_watch.look(house) is first
    assert ("framegate_score_drift", "text.odd") not in scrape(client)  # one content says nothing
