"""Expands prompts with a language model: one on this machine, or a server that speaks `/v1/chat/completions`.

What comes back is a stranger's text: bounded here, and judged by the prompt gate before anything is drawn from it. No
prompt and no answer stands in an error. It does not ask a model whether something is allowed.
"""

from __future__ import annotations

import json
import re
import threading
import time
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import httpx
from jinja2 import TemplateError

from generator.base import GeneratorError, Revision
from generator.checkpoint import digests, version

INSTRUCTION = (
    "You write captions for a video generator. Rewrite the user's request as one paragraph of at most 120 words that "
    "describes what is seen: subject, action, place, light, camera. Keep everything the request says, add no people, "
    "names, brands or violence that it does not mention, and answer with the caption alone."
)
LONGEST = 1200
"""Characters of a caption; text encoders of video generators read about as much. Longer ones end at a sentence."""

MOST_BYTES = 256 * 1024
"""Largest answer that is read."""

MOST_TOKENS = 256
"""Tokens that a local model writes at most."""


@dataclass(frozen=True)
class Endpoint:
    """A server of a language model."""

    base_url: str
    """Ends in `/v1`."""

    model: str
    key: str = field(default="", repr=False)
    timeout_s: float = 60.0


class RemoteExpander:
    """`PromptExpander` on a server. Only its address is contacted: no redirect, no proxy of the environment."""

    def __init__(self, endpoint: Endpoint) -> None:
        """Prepare; nobody is contacted.

        Raises:
            GeneratorError: the address is no http(s) URL.
        """
        parts = httpx.URL(endpoint.base_url)
        if parts.scheme not in ("http", "https") or not parts.host:
            raise GeneratorError(f"{endpoint.base_url} is no http or https address of a language model")
        self._endpoint, self._server = endpoint, f"the language model at {parts.host}"

    def revise(self, prompt: str, seed: int) -> Revision:
        """Ask once.

        Raises:
            GeneratorError: no connection, no answer in time, an HTTP error, too long, or no caption in it.
        """
        asked = self._endpoint
        body = {
            "model": asked.model,
            "messages": messages(prompt),
            "temperature": 0,
            "seed": seed % (1 << 31),
            "max_tokens": MOST_TOKENS,
        }
        try:
            data = self._ask(body)
        except httpx.HTTPError as error:
            raise GeneratorError(f"{self._server} cannot be used ({type(error).__name__})") from error
        return Revision(caption(_content(data)), asked.model)

    def _ask(self, body: dict[str, Any]) -> bytes:
        asked, data = self._endpoint, bytearray()
        url = f"{asked.base_url.rstrip('/')}/chat/completions"
        headers = {"authorization": f"Bearer {asked.key}"} if asked.key else {}
        with (
            httpx.Client(timeout=asked.timeout_s, trust_env=False) as client,
            client.stream("POST", url, json=body, headers=headers) as answer,
        ):
            if answer.status_code != httpx.codes.OK:
                raise GeneratorError(f"{self._server} answered {answer.status_code}")
            until = time.monotonic() + asked.timeout_s  # httpx bounds each wait, not their sum
            for chunk in answer.iter_bytes():
                data += chunk
                if time.monotonic() > until:
                    raise GeneratorError(f"{self._server} did not answer within {asked.timeout_s:g} s")
                if len(data) > MOST_BYTES:
                    raise GeneratorError(f"{self._server} answered more than {MOST_BYTES} bytes")
        return bytes(data)


class LocalExpander:
    """`PromptExpander` on a text-generation checkpoint in a folder. Safe for several threads; loads on first use."""

    def __init__(self, folder: Path, device: str = "cpu") -> None:
        """Point at a folder in the transformers format.

        Raises:
            GeneratorError: it holds no `config.json`.
        """
        if not (folder / "config.json").is_file():
            raise GeneratorError(f"{folder} is no transformers checkpoint: it has no config.json")
        self._folder, self._device, self._busy = folder, device, threading.Lock()

    def revise(self, prompt: str, seed: int) -> Revision:
        """Write the likeliest caption.

        Raises:
            GeneratorError: the folder cannot be loaded, there is not enough memory, or no caption came.
        """
        with self._busy:
            import torch  # noqa: PLC0415 - heavy: only who expands pays for it

            tokenizer, network, name = self._loaded
            try:
                text = _as_chat(tokenizer, prompt)
                tokens = tokenizer(text, return_tensors="pt", truncation=True).to(self._device)
                with torch.inference_mode():
                    written = network.generate(
                        **tokens, max_new_tokens=MOST_TOKENS, do_sample=False, pad_token_id=tokenizer.eos_token_id
                    )
            except (RuntimeError, ValueError, IndexError, MemoryError, TemplateError) as error:
                raise GeneratorError(
                    f"{self._folder.name} could not write a caption: {type(error).__name__}"
                ) from error
            said = tokenizer.decode(written[0, tokens["input_ids"].shape[1] :], skip_special_tokens=True)
        return Revision(caption(said), name)

    @cached_property
    def _loaded(self) -> tuple[Any, Any, str]:
        from transformers import AutoModelForCausalLM, AutoTokenizer  # noqa: PLC0415

        try:
            tokenizer = AutoTokenizer.from_pretrained(self._folder, local_files_only=True)
            network: Any = AutoModelForCausalLM.from_pretrained(
                self._folder, local_files_only=True, use_safetensors=True
            )
        except (OSError, ValueError, RuntimeError, ImportError, KeyError) as error:
            raise GeneratorError(
                f"{self._folder} cannot be loaded as a text-generation checkpoint: {type(error).__name__}"
            ) from error
        network.to(device=self._device).eval()
        return tokenizer, network, f"{self._folder.name}@{version(digests(self._folder))[:16]}"


def messages(prompt: str) -> list[dict[str, str]]:
    """Return the conversation that asks for a caption."""
    return [{"role": "system", "content": INSTRUCTION}, {"role": "user", "content": prompt}]


def caption(said: str) -> str:
    """Return what a model said as one caption: one line, without quotation marks around it, of at most `LONGEST`.

    Raises:
        GeneratorError: nothing is left.
    """
    text = re.sub(r"\s+", " ", re.sub(r"[\x00-\x1f\x7f\ud800-\udfff]", " ", said)).strip()
    if len(text) > 1 and (text[0], text[-1]) in (('"', '"'), ("“", "”"), ("'", "'")):
        text = text[1:-1].strip()
    if len(text) > LONGEST:
        kept = text[:LONGEST]
        ends = max(kept.rfind(mark) for mark in (". ", "! ", "? "))
        text = kept[: ends + 1] if ends > 0 else kept.rsplit(" ", 1)[0]
    if not text:
        raise GeneratorError("the language model wrote no caption")
    return text


def _content(answer: bytes) -> str:
    try:
        said = json.loads(answer)["choices"][0]["message"]["content"]
    except (ValueError, KeyError, IndexError, TypeError):
        said = None
    if not isinstance(said, str):
        raise GeneratorError("the language model's answer is no chat completion")
    return said


def _as_chat(tokenizer: Any, prompt: str) -> str:  # noqa: ANN401 - one of many classes
    """Write the question in the checkpoint's own chat format, or plainly where it has none."""
    if getattr(tokenizer, "chat_template", None):
        asked = messages(prompt)
        try:
            return _in_format(tokenizer, asked)
        except TemplateError:  # a format without a system's part: the instruction becomes part of the question
            return _in_format(tokenizer, [{"role": "user", "content": "\n\n".join(each["content"] for each in asked)}])
    return f"{INSTRUCTION}\n\nRequest: {prompt}\nCaption:"


def _in_format(tokenizer: Any, asked: list[dict[str, str]]) -> str:  # noqa: ANN401
    text: str = tokenizer.apply_chat_template(asked, tokenize=False, add_generation_prompt=True)
    return text
