"""SHA-256 of every file of the shipped checkpoint; written by `generator.training.export`."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

TINY: Mapping[str, str] = MappingProxyType(
    {
        "latents/config.json": ("9b2891df489e14935b4ef7fbb56d2eeebf386ff156d382d853d288f9ae94c723"),
        "latents/diffusion_pytorch_model.safetensors": (
            "3d1e6c840244886780b53a7cddb8040f849af9c3036af9e61bc15fab0b9f30b2"
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
