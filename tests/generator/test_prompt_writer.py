"""Language models that expand prompts: a real local server, and a tiny random checkpoint."""

from __future__ import annotations

import json
import shutil
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast

from generator.base import GeneratorError
from generator.prompt_writer import INSTRUCTION, LONGEST, Endpoint, LocalExpander, RemoteExpander, caption

PLAIN = "{% for m in messages %}{{ m['role'] }}: {{ m['content'] }} {% endfor %}"
NO_SYSTEM = "{% if messages[0]['role'] == 'system' %}{{ raise_exception('') }}{% endif %}{{ messages[0]['content'] }}"


class Model:
    """A server of a language model that answers as it is told."""

    def __init__(self) -> None:
        self.status, self.delay_s, self.asked, self.headers = 200, 0.0, [], []
        self.answer = json.dumps({"choices": [{"message": {"content": ' "A red ball rolls\nover grass." '}}]}).encode()
        model = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                model.asked.append((self.path, json.loads(body)))
                model.headers.append(dict(self.headers))
                time.sleep(model.delay_s)
                self.send_response(model.status)
                if model.status == 302:
                    self.send_header("location", "http://127.0.0.1:1/elsewhere")
                self.send_header("content-length", str(len(model.answer)))
                self.end_headers()
                self.wfile.write(model.answer)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/v1"

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def model():
    model = Model()
    yield model
    model.close()


def test_a_server_writes_the_caption(model):
    revision = RemoteExpander(Endpoint(model.url, "writer-1", "secret")).revise("a ball", 7)

    assert revision.prompt == "A red ball rolls over grass."
    assert revision.by == "writer-1"
    ((path, body),) = model.asked
    assert path == "/v1/chat/completions"
    assert [each["content"] for each in body["messages"]] == [INSTRUCTION, "a ball"]
    assert (body["model"], body["seed"], body["temperature"]) == ("writer-1", 7, 0)
    assert model.headers[0]["authorization"] == "Bearer secret"


@pytest.mark.parametrize(
    ("status", "answer", "why"),
    [
        (500, b"{}", "answered 500"),
        (302, b"", "answered 302"),
        (200, b"no json", "no chat completion"),
        (200, b'{"choices": []}', "no chat completion"),
        (200, b'{"choices": [{"message": {"content": null}}]}', "no chat completion"),
        (200, b'{"choices": [{"message": {"content": " \\n "}}]}', "wrote no caption"),
        (200, b" " * 300_000, "more than"),
    ],
)
def test_a_server_without_a_usable_answer_is_an_error_that_never_repeats_the_prompt(model, status, answer, why):
    model.status, model.answer = status, answer

    with pytest.raises(GeneratorError, match=why) as failure:
        RemoteExpander(Endpoint(model.url, "writer-1")).revise("a very private ball", 0)

    assert "private" not in str(failure.value)


def test_a_server_that_is_away_or_too_slow_is_an_error(model):
    with pytest.raises(GeneratorError, match="cannot be used"):
        RemoteExpander(Endpoint("http://127.0.0.1:1/v1", "writer-1")).revise("a ball", 0)

    model.delay_s = 1.0
    with pytest.raises(GeneratorError, match=r"cannot be used|did not answer"):
        RemoteExpander(Endpoint(model.url, "writer-1", timeout_s=0.2)).revise("a ball", 0)


def test_an_address_that_is_none_is_refused_at_once():
    with pytest.raises(GeneratorError, match="no http or https address"):
        RemoteExpander(Endpoint("file:///etc/passwd", "writer-1"))


def test_long_captions_end_at_a_sentence():
    long = "A red ball rolls over the grass. " * 100

    assert len(caption(long)) <= LONGEST
    assert caption(long).endswith("grass.")
    assert len(caption("word " * 1000)) <= LONGEST


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    folder = tmp_path_factory.mktemp("writer")
    letters = {chr(code): code - 32 for code in range(32, 127)}
    tokenizer = Tokenizer(models.BPE(vocab=letters | {"<end>": 95}, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.Split("", "isolated")
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<end>", model_max_length=900).save_pretrained(folder)
    config = GPT2Config(
        vocab_size=96, n_positions=1300, n_embd=16, n_layer=1, n_head=2, bos_token_id=95, eos_token_id=95
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)  # some random networks write blanks only
        GPT2LMHeadModel(config).save_pretrained(folder, safe_serialization=True)
    return folder


def test_a_checkpoint_of_this_machine_writes_the_same_caption_each_time(checkpoint):
    expander = LocalExpander(checkpoint)

    first = expander.revise("a ball", 0)

    assert 0 < len(first.prompt) <= LONGEST
    assert first.by.startswith(f"{checkpoint.name}@")
    assert LocalExpander(checkpoint).revise("a ball", 0) == first


def test_a_folder_that_is_no_checkpoint_is_refused(tmp_path):
    with pytest.raises(GeneratorError, match=r"no config\.json"):
        LocalExpander(tmp_path)

    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(GeneratorError, match="cannot be loaded"):
        LocalExpander(tmp_path).revise("a ball", 0)


@pytest.mark.parametrize("template", [PLAIN, NO_SYSTEM])
def test_a_chat_format_without_a_systems_part_is_asked_in_one_message(checkpoint, tmp_path, template):
    shutil.copytree(checkpoint, tmp_path / "chat")
    tokenizer = PreTrainedTokenizerFast.from_pretrained(tmp_path / "chat")
    tokenizer.chat_template = template
    tokenizer.save_pretrained(tmp_path / "chat")

    assert LocalExpander(tmp_path / "chat").revise("a ball", 0).prompt


def test_a_chat_format_that_takes_nothing_is_an_error_of_ours(checkpoint, tmp_path):
    shutil.copytree(checkpoint, tmp_path / "chat")
    tokenizer = PreTrainedTokenizerFast.from_pretrained(tmp_path / "chat")
    tokenizer.chat_template = "{{ raise_exception('no') }}"
    tokenizer.save_pretrained(tmp_path / "chat")

    with pytest.raises(GeneratorError, match="TemplateError"):
        LocalExpander(tmp_path / "chat").revise("a ball", 0)
