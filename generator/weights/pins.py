"""SHA-256 of every file of the shipped checkpoint; written by `generator.training.export`."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

TINY: Mapping[str, str] = MappingProxyType(
    {
        "latents/config.json": ("b2002c170c10b48facccf2bb613dfeb0ff41f4a275439b16b738beecbf9aaff6"),
        "latents/diffusion_pytorch_model.safetensors": (
            "5786fc634163c3c21e7e237873c903902fe0e593e7f2f6c47f6832cee0035731"
        ),
        "text_encoder/config.json": ("3df0fcc316818caffa927dd9e4a08725ccf5e42d3a6d6e85b2ad507200785863"),
        "text_encoder/model.safetensors": ("400cb08ceeab920a726b9691c4a11614dadacc31dcc805b7206bed82b6388b84"),
        "tokenizer/tokenizer.json": ("32689cdc977b25f3dd8d715a6a1a3289f595a2274e396524a11235072f274365"),
        "tokenizer/tokenizer_config.json": ("b9871e4130b131ba559d73d6c2f6f9054ebaa247fb96d63c8c64edab7408dc97"),
        "transformer/config.json": ("ff1e96032f426518b4f61e8e9819d37608c4d55369667c8415d854ff775912f5"),
        "transformer/diffusion_pytorch_model.safetensors": (
            "a893458ac9a27c552873c6549cde7bb64a6ddccf826e2dbd716fbfe11915dab8"
        ),
    }
)
