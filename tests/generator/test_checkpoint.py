from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from generator import GenerationRequest, GeneratorError
from generator.checkpoint import EMBEDDED, TINY, digests, verify, version
from generator.embedded import EmbeddedGenerator


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return Path(shutil.copytree(EMBEDDED, tmp_path / "tiny"))


def test_the_shipped_files_are_the_pinned_ones_and_small() -> None:
    verify(EMBEDDED, TINY)
    assert sum(path.stat().st_size for path in EMBEDDED.rglob("*") if path.is_file()) <= 10_000_000


def test_the_shipped_files_name_no_machine_and_no_pickle() -> None:
    for path in EMBEDDED.rglob("*"):
        assert path.is_dir() or path.suffix in {".json", ".safetensors"}
        assert path.suffix != ".json" or "_name_or_path" not in path.read_text()


def test_one_altered_byte_is_refused(copy: Path) -> None:
    weights = copy / "transformer" / "diffusion_pytorch_model.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    with pytest.raises(GeneratorError, match=r"transformer/diffusion_pytorch_model.safetensors .* altered"):
        EmbeddedGenerator(copy).generate(GenerationRequest("a red ball", 1, 128, 128))


def test_a_missing_file_and_an_added_file_are_refused(copy: Path) -> None:
    (copy / "tokenizer" / "tokenizer.json").rename(copy / "tokenizer" / "extra.json")
    with pytest.raises(GeneratorError, match=r"extra.json .* not part of the checkpoint"):
        verify(copy, TINY)
    (copy / "tokenizer" / "extra.json").unlink()
    with pytest.raises(GeneratorError, match=r"tokenizer.json .* missing"):
        verify(copy, TINY)


def test_a_missing_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(GeneratorError, match="missing"):
        EmbeddedGenerator(tmp_path / "nowhere").generate(GenerationRequest("a red ball", 1, 128, 128))


def test_the_version_is_a_digest_over_names_and_contents(copy: Path) -> None:
    assert version(digests(copy)) == version(TINY)
    (copy / "more.json").write_text("{}")
    assert version(digests(copy)) != version(TINY)
