"""Another system is told what is recorded: signed, in order, each until it is taken; on both databases."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import logging
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from api.cli import app
from api.doctor import examine
from api.errors import WebhookError
from api.housekeeping import chores_of
from api.webhooks import (
    FIRST_WAIT,
    LEAST_TRIES,
    Webhook,
    read_secrets,
    shown_url,
    signatures,
    usable_types,
    usable_url,
    webhook_of,
)
from media.blobs import BlobStore
from safety.announcements import TYPES
from safety.appeals import Appeals
from safety.domain import Action
from safety.ledger import Ledger
from safety.lookup.deliveries import Deliveries, Told
from safety.review import superseding
from safety.withdrawals import Withdrawals
from tests.hook_server import HookServer, listening
from tests.safety.making import NOON, a_decision, a_release, allowed

SECRET = bytes(range(32))
LINE = "whsec_" + base64.b64encode(SECRET).decode()


@pytest.fixture
def receiver() -> Iterator[HookServer]:
    with listening() as server:
        yield server


class Now:
    """A clock that tests move."""

    def __init__(self) -> None:
        self.at = NOON

    def __call__(self):
        return self.at


@pytest.fixture
def clock() -> Now:
    return Now()


@pytest.fixture
def webhook(ledger: Ledger, receiver: HookServer, clock: Now) -> Webhook:
    deliveries, days = Deliveries(ledger.engine), timedelta(days=3)
    made = Webhook(receiver.url, lambda: [SECRET], frozenset(TYPES), ledger, deliveries, clock, days)
    made.place()
    return made


def told(receiver: HookServer) -> list[tuple[str, dict]]:
    messages = [json.loads(body) for _, body in receiver.sent]
    return [(each["type"], each["data"]) for each in messages]


def test_a_decision_that_is_replaced_is_told_with_what_to_undo(ledger, webhook, receiver):
    refused = ledger.append_decision(a_decision(1, action=Action.BLOCK, job="video_1"))
    ledger.append_decision(
        superseding(refused, "dec_2", NOON, Action.ALLOW, reviewer="ada", reason="only a toy", code="no_violation")
    )

    assert webhook.deliver() == 2

    (first, made), (second, data) = told(receiver)
    assert (first, made["decision"], made["action"]) == ("decision.made", "dec_1", "block")
    assert (second, data["supersedes"], data["was"], data["action"], data["undo"]) == (
        "decision.superseded", "dec_1", "block", "allow", "block"
    )  # fmt: skip
    assert (data["code"], data["job"], data["categories"]) == ("no_violation", "video_1", ["violence"])
    assert b"toy" not in receiver.sent[1][1]
    assert b"ada" not in receiver.sent[1][1]


def test_a_replacement_that_says_the_same_has_nothing_to_undo(ledger, webhook, receiver):
    held = ledger.append_decision(a_decision(1, action=Action.BLOCK))
    ledger.append_decision(superseding(held, "dec_2", NOON, Action.BLOCK, reviewer="ada", reason="x", code="other"))

    webhook.deliver()

    assert told(receiver)[1][1]["undo"] is None


def test_appeals_and_recalls_are_told_without_their_reasons(ledger, webhook, receiver, tmp_path):
    release = ledger.append_release(a_release(decisions=allowed(ledger)))
    withdrawals = Withdrawals(ledger, BlobStore(tmp_path), lambda _: ())
    withdrawals.withdraw(release.id, by="ada", reason="secret words", code="rights")
    ledger.append_decision(a_decision(1, action=Action.BLOCK))
    Appeals(ledger).file("dec_1", by="bob", reason="secret words")

    webhook.deliver()

    assert [type_ for type_, _ in told(receiver)] == [
        "decision.made", "decision.made", "release.made", "release.withdrawn", "decision.made", "appeal.open"
    ]  # fmt: skip
    recalled = dict(told(receiver))["release.withdrawn"]
    assert (recalled["release"], recalled["code"], recalled["erased"]) == (release.id, "rights", False)
    assert not any(b"secret words" in body or b"bob" in body for _, body in receiver.sent)


def test_messages_are_signed_as_standard_webhooks_are(ledger, webhook, receiver, clock):
    ledger.append_decision(a_decision(1))
    webhook.deliver()

    ((headers, body),) = receiver.sent
    assert headers["webhook-id"] == "dec_1"
    assert headers["webhook-timestamp"] == str(int(clock.at.timestamp()))
    signed = b"%s.%s.%s" % (headers["webhook-id"].encode(), headers["webhook-timestamp"].encode(), body)
    expected = base64.b64encode(hmac.new(SECRET, signed, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{expected}"


def test_the_published_example_of_standard_webhooks_verifies():
    """The vector that its reference libraries test with."""
    key = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    made = signatures([key], "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')

    assert made == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@pytest.mark.parametrize("status", [400, 410, 500, 307])
def test_what_is_not_taken_comes_again_later_and_holds_up_what_follows(ledger, webhook, receiver, clock, status):
    for number in range(3):
        ledger.append_decision(a_decision(number))
    receiver.answers = [204, status, status]

    assert webhook.deliver() == 1
    assert webhook.deliver() == 0  # not before its time
    assert len(receiver.sent) == 2
    clock.at += FIRST_WAIT
    assert webhook.deliver() == 0
    place = webhook.place()
    assert (place.position, place.failures, place.next_at - clock.at) == (1, 2, 2 * FIRST_WAIT)
    clock.at += 2 * FIRST_WAIT
    assert webhook.deliver() == 2

    assert [headers["webhook-id"] for headers, _ in receiver.sent] == ["dec_0", "dec_1", "dec_1", "dec_1", "dec_2"]
    assert (webhook.place().failures, webhook.place().failing_since) == (0, None)


def test_nobody_listening_is_a_failure_like_any_other(ledger, webhook, clock):
    ledger.append_decision(a_decision(1))
    deaf = replace(webhook, url="http://127.0.0.1:9/hook")
    deaf.deliveries.of(deaf.receiver, start=0)

    assert deaf.deliver() == 0
    assert deaf.place().failures == 1


def attempts(webhook: Webhook, clock: Now, count: int) -> list[int]:
    """Try so many times, each when it is due."""
    taken = []
    for _ in range(count):
        taken.append(webhook.deliver())
        clock.at = webhook.place().next_at or clock.at
    return taken


def test_what_nobody_takes_for_days_is_left_out_aloud_each_by_its_own_age(ledger, webhook, receiver, clock, caplog):
    for number in range(3):
        ledger.append_decision(a_decision(number))
    receiver.answers = [500] * (2 * LEAST_TRIES - 1)
    clock.at += timedelta(days=3, seconds=2)

    with caplog.at_level(logging.ERROR):
        assert attempts(webhook, clock, LEAST_TRIES)[-1] == 0
        assert "dec_0" in caplog.text
        assert webhook.place().failing_since is not None  # the receiver still takes nothing
        attempts(webhook, clock, LEAST_TRIES - 2)
        assert "dec_1" not in caplog.text
        receiver.answers = []
        assert webhook.deliver() == 2

    assert receiver.sent[-1][0]["webhook-id"] == "dec_2"
    assert webhook.place().failing_since is None


def test_a_message_is_not_left_out_at_the_first_failure_however_old_it_is(ledger, webhook, receiver, clock):
    ledger.append_decision(a_decision(1))
    clock.at += timedelta(days=30)
    receiver.answers = [503] * (LEAST_TRIES - 1)

    assert attempts(webhook, clock, LEAST_TRIES) == [0] * (LEAST_TRIES - 1) + [1]


@pytest.mark.parametrize("status", [400, 413, 422])
def test_a_message_that_is_refused_for_good_does_not_hold_up_the_others(
    ledger, webhook, receiver, clock, caplog, status
):
    for number in range(2):
        ledger.append_decision(a_decision(number))
    receiver.answers = [status] * LEAST_TRIES

    with caplog.at_level(logging.ERROR):
        assert attempts(webhook, clock, LEAST_TRIES) == [0] * (LEAST_TRIES - 1) + [1]

    assert "dec_0" in caplog.text
    assert f"for good ({status})" in caplog.text
    assert receiver.sent[-1][0]["webhook-id"] == "dec_1"


@pytest.mark.parametrize("status", [401, 403, 404, 408, 410, 429, 500, 307])
def test_what_is_wrong_with_the_receiver_costs_no_message(ledger, webhook, receiver, clock, status):
    ledger.append_decision(a_decision(1))
    receiver.answers = [status] * (LEAST_TRIES + 2)

    assert attempts(webhook, clock, LEAST_TRIES + 3) == [0] * (LEAST_TRIES + 2) + [1]


def test_only_chosen_kinds_are_told_and_the_place_moves_over_the_others(ledger, webhook, receiver):
    chosen = replace(webhook, types=frozenset({"decision.superseded"}))
    refused = ledger.append_decision(a_decision(1, action=Action.BLOCK))
    ledger.append_decision(superseding(refused, "dec_2", NOON, Action.ALLOW, reviewer="a", reason="b", code="other"))
    ledger.append_event("note", "note_1", {})

    assert chosen.deliver() == 1
    assert [type_ for type_, _ in told(receiver)] == ["decision.superseded"]
    assert chosen.place() == Told(chosen.receiver, 3)


def test_a_new_receiver_is_told_what_comes_from_now_on(ledger, webhook, receiver):
    ledger.append_decision(a_decision(1))
    late = replace(webhook, url=f"{receiver.url}/late")
    late.place()
    ledger.append_decision(a_decision(2))

    assert late.deliver() == 1
    assert receiver.sent[-1][0]["webhook-id"] == "dec_2"


def test_of_two_processes_one_moves_the_place(ledger, webhook):
    before = webhook.place()

    assert webhook.deliveries.move(before, Told(before.receiver, 5))
    assert not webhook.deliveries.move(before, Told(before.receiver, 3))
    assert webhook.place().position == 5


def test_a_message_is_signed_with_every_secret_of_the_file(tmp_path: Path):
    file = tmp_path / "secret"
    other = base64.b64encode(b"y" * 24).decode()
    file.write_text(f"{LINE}\n\nwhsec_{other}\n")

    first, second = signatures(read_secrets(file), "id", 1, b"{}").split(" ")

    assert first == signatures([SECRET], "id", 1, b"{}")
    assert second == signatures([b"y" * 24], "id", 1, b"{}")


@pytest.mark.parametrize("text", [None, "", "whsec_c2hvcnQ=", "whsec_secret!words", "\xff"])
def test_a_secret_that_is_none_is_refused_and_not_repeated(tmp_path: Path, text: str | None):
    file = tmp_path / "file"
    if text is not None:
        file.write_text(text, encoding="latin-1")

    with pytest.raises(WebhookError) as refused:
        read_secrets(file)
    assert "words" not in str(refused.value)


@pytest.mark.parametrize("url", ["http://example.org/x", "ftp://example.org", "https://", "https://a:b@example.org"])
def test_an_address_that_would_be_read_by_others_is_refused(url: str):
    with pytest.raises(ValueError, match="webhook"):
        usable_url(url)


def test_addresses_and_kinds_that_are_meant_are_taken():
    assert usable_url("https://example.org/x") == "https://example.org/x"
    assert usable_types("decision.made  appeal.open") == {"decision.made", "appeal.open"}
    with pytest.raises(ValueError, match="no kind of message"):
        usable_types("decision.mad")


def test_of_an_address_only_the_host_is_shown():
    assert shown_url("https://example.org:8443/hooks/T0KEN?key=T0KEN#T0KEN") == "https://example.org:8443"


def test_a_house_tells_as_its_settings_say(house, receiver, tmp_path):
    assert webhook_of(house) is None
    assert "webhook" not in [each.name for each in chores_of(house)]
    (tmp_path / "secret").write_text(LINE)
    house.settings = house.settings.model_copy(update={"webhook_url": receiver.url})
    with pytest.raises(WebhookError, match="SECRET_FILE"):
        chores_of(house)
    house.settings = house.settings.model_copy(update={"webhook_secret_file": tmp_path / "secret"})
    (chore,) = [each for each in chores_of(house) if each.name == "webhook"]
    chore.do()
    held = house.prompt_gate.check_prompt("an odd field")
    house.review.decide(held.id, allow=True, reviewer="ada", reason="fine", code="no_violation")

    chore.do()

    ((type_, data),) = told(receiver)
    assert (type_, data["undo"], data["action"]) == ("decision.superseded", "review", "allow")
    for wrong in ({"webhook_url": "http://example.org"}, {"webhook_events": "nonsense"}):
        house.settings = house.settings.model_copy(update=wrong)
        with pytest.raises(WebhookError):
            webhook_of(house)


def test_doctor_says_that_the_receiver_takes_nothing(house, receiver, tmp_path):
    (tmp_path / "secret").write_text(LINE)
    told = {"webhook_url": receiver.url, "webhook_secret_file": tmp_path / "secret", "webhook_events": "decision.made"}
    house.settings = house.settings.model_copy(update=told)

    def check() -> tuple[bool, str]:
        (found,) = [each for each in examine(house) if each.name == "webhook"]
        return found.ok, found.detail

    assert check() == (True, f"{shown_url(receiver.url)}, 0 entries behind")
    house.prompt_gate.check_prompt("a tree")
    receiver.answers = [500]
    webhook_of(house).deliver()
    ok, detail = check()
    assert not ok
    assert "1 entries behind" in detail


def test_the_command_line_makes_a_secret_and_shows_how_far_it_told(settings, monkeypatch, receiver, tmp_path):
    monkeypatch.setenv("FRAMEGATE_HOME", str(settings.home))
    run = CliRunner()
    assert json.loads(run.invoke(app, ["webhook", "status", "--json"]).stdout) == {"url": None}
    (tmp_path / "secret").write_text(run.invoke(app, ["webhook", "secret"]).stdout)
    assert len(read_secrets(tmp_path / "secret")[0]) == 32
    monkeypatch.setenv("FRAMEGATE_WEBHOOK_URL", receiver.url)
    monkeypatch.setenv("FRAMEGATE_WEBHOOK_SECRET_FILE", str(tmp_path / "secret"))

    shown = json.loads(run.invoke(app, ["webhook", "status", "--json"]).stdout)

    assert (shown["url"], shown["behind"], shown["failures"]) == (receiver.url.removesuffix("/hook"), 0, 0)
    assert "0 entries behind" in run.invoke(app, ["webhook", "status"]).stderr
