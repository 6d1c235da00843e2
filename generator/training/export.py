"""Writes a trained state as the checkpoint folder that ships: EMA weights in fp16 safetensors, and its digests.

python -m generator.training.export --run FOLDER --latents FOLDER --tokenizer FOLDER --out FOLDER [--pins FILE]
"""

from __future__ import annotations

import argparse
import json
import logging
import shutil
from pathlib import Path

import torch
from transformers import T5Tokenizer

from generator.checkpoint import digests
from generator.latents import PatchLatents
from generator.training.learner import Learner, Size

PIN_FILE = '''"""SHA-256 of every file of the shipped checkpoint; written by `generator.training.export`."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

TINY: Mapping[str, str] = MappingProxyType(
    {{
{lines}
    }}
)
'''


def export(run: Path, latents: Path, tokenizer: Path, out: Path, size: Size | None = None) -> int:
    """Write the checkpoint folder; return the training step it comes from."""
    state = torch.load(run / "state.pt", weights_only=True)
    words = T5Tokenizer.from_pretrained(tokenizer)
    codec = PatchLatents.from_pretrained(latents)
    learner = Learner(size or Size(), len(words), codec.basis.shape[0])
    learner.load_state_dict(state["average"])
    shutil.rmtree(out, ignore_errors=True)
    words.save_pretrained(out / "tokenizer")
    learner.half()
    learner.text_encoder.save_pretrained(out / "text_encoder")
    learner.transformer.save_pretrained(out / "transformer")
    codec.half().save_pretrained(out / "latents")
    for config in out.glob("*/config.json"):
        kept = {key: value for key, value in json.loads(config.read_text()).items() if key != "_name_or_path"}
        config.write_text(json.dumps(kept, indent=2, sort_keys=True) + "\n")
    for path in out.glob("*/*"):
        path.chmod(0o644)
    return int(state["step"])


def main() -> None:
    """Export from the command line."""
    logging.disable(logging.WARNING)
    parser = argparse.ArgumentParser(description="Export a trained state as a checkpoint folder.")
    for name in ("run", "latents", "tokenizer", "out"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--pins", type=Path, help="Python file to write the digests to")
    options = parser.parse_args()
    step = export(options.run, options.latents, options.tokenizer, options.out)
    found = digests(options.out)
    size = sum((options.out / name).stat().st_size for name in found)
    print(f"step {step}: {len(found)} files, {size / 1e6:.2f} MB")
    if options.pins:
        lines = "\n".join(f'        "{name}": (\n            "{digest}"\n        ),' for name, digest in found.items())
        options.pins.write_text(PIN_FILE.format(lines=lines))


if __name__ == "__main__":
    main()
