"""A receiver that answers slowly, endlessly or not at all costs one deadline and no memory."""

from __future__ import annotations

import logging
import threading

import pytest

from api.commands.service import log_from
from api.posting import Poster
from tests.hook_server import answering, listening

ENDLESS_BYTES = 256 * 1024 * 1024


def test_the_status_is_returned_and_the_connection_used_again():
    with listening() as receiver, Poster(receiver.url) as poster:
        receiver.answers = [204, 422, 307]

        assert [poster.post(b"{}", {}) for _ in range(4)] == [204, 422, 307, 204]


def test_an_answer_that_drips_is_given_up_at_the_deadline():
    """Each byte comes long before a time limit for reading would end."""
    over = threading.Event()

    def drip(connection):
        connection.sendall(b"HTTP/1.1 200 OK\r\n")
        for _ in range(600):
            connection.sendall(b"x: y\r\n")
            if over.wait(0.1):
                return

    with answering(drip) as url, Poster(url, within_s=1.0) as poster:
        answer = poster.post(b"{}", {})
        over.set()

    assert answer == "no answer within 1 s"


@pytest.mark.parametrize("encoding", [b"gzip", b"identity"])
def test_a_body_is_never_read(encoding):
    sent = 0
    gone = threading.Event()

    def flood(connection):
        nonlocal sent
        head = b"HTTP/1.1 200 OK\r\ncontent-encoding: %s\r\ncontent-length: %d\r\n\r\n"
        try:
            connection.sendall(head % (encoding, ENDLESS_BYTES))
            while sent < ENDLESS_BYTES:
                sent += connection.send(bytes(65536))
        finally:
            gone.set()

    with answering(flood) as url, Poster(url) as poster:
        assert poster.post(b"{}", {}) == 200
        assert gone.wait(60)

    assert sent < ENDLESS_BYTES / 4


def test_nobody_and_nonsense_are_said_without_the_address():
    def nonsense(connection):
        connection.sendall(b"220 mail.example ESMTP\r\n")

    with answering(nonsense) as url, Poster(url) as poster:
        assert poster.post(b"{}", {}).endswith("Error")
    with Poster("http://127.0.0.1:9/T0KEN") as poster:
        assert poster.post(b"{}", {}) == "ConnectError"


def test_addresses_that_are_called_are_not_logged(caplog):
    loggers = [logging.getLogger(name) for name in (None, "httpx", "httpcore")]
    before = [each.level for each in loggers]
    try:
        log_from("DEBUG")
        with listening() as receiver, Poster(f"{receiver.url}/T0KEN") as poster:
            assert poster.post(b"{}", {}) == 204
    finally:
        for each, level in zip(loggers, before, strict=True):
            each.setLevel(level)

    assert "T0KEN" not in caplog.text
    assert not [each for each in caplog.records if each.name.startswith("http")]
