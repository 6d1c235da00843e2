"""Tiny picture models in the transformers format, made on the spot: random weights, real files."""

from __future__ import annotations

import json

import torch
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import (
    CLIPConfig,
    CLIPModel,
    PreTrainedTokenizerFast,
    SiglipConfig,
    SiglipForImageClassification,
    SiglipModel,
    VideoMAEConfig,
    VideoMAEForVideoClassification,
    ViTConfig,
    ViTForImageClassification,
)

LABELS = ("calm", "gore", "fight")
SIDE = 32
NAMES = {"id2label": dict(enumerate(LABELS)), "label2id": {label: at for at, label in enumerate(LABELS)}}
TOWER = {
    "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64,
    "image_size": SIDE, "patch_size": 8, "initializer_range": 0.5,
}  # fmt: skip
WORDS = ("a", "picture", "of", "blood", "people", "walking", "no", "gore", "field", "fight")
TEXT = {
    "vocab_size": 16, "hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 64,
    "max_position_embeddings": 16, "bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 0, "projection_dim": 32,
}  # fmt: skip


def _finish(network, folder, **more):
    network.save_pretrained(folder)
    asks = {"size": {"height": SIDE, "width": SIDE}, "resample": 2, "rescale_factor": 1 / 255}
    asks |= {"image_mean": [0.5, 0.4, 0.3], "image_std": [0.2, 0.3, 0.4], **more}
    (folder / "preprocessor_config.json").write_text(json.dumps(asks), encoding="utf-8")
    return folder


def make_vit(folder, *, seed=0, problem=None):
    torch.manual_seed(seed)
    return _finish(ViTForImageClassification(ViTConfig(**TOWER, **NAMES, problem_type=problem)), folder)


def make_siglip(folder, *, seed=0):
    torch.manual_seed(seed)
    network = SiglipForImageClassification(SiglipConfig(vision_config=TOWER, text_config={}, **NAMES))
    torch.nn.init.normal_(network.classifier.weight)
    return _finish(network, folder)


def make_videomae(folder, *, seed=0, frames=4):
    torch.manual_seed(seed)
    config = VideoMAEConfig(**TOWER, **NAMES, num_frames=frames, tubelet_size=2)
    return _finish(VideoMAEForVideoClassification(config), folder)


def _tokenizer():
    vocabulary = {word: at for at, word in enumerate(("<pad>", "<s>", "</s>", "<unk>", *WORDS))}
    inner = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    inner.pre_tokenizer = pre_tokenizers.Whitespace()
    inner.post_processor = processors.TemplateProcessing(single="<s> $A </s>", special_tokens=[("<s>", 1), ("</s>", 2)])
    return PreTrainedTokenizerFast(
        tokenizer_object=inner, pad_token="<pad>", bos_token="<s>", eos_token="</s>", unk_token="<unk>",
        model_max_length=16,
    )  # fmt: skip


def make_clip(folder, *, seed=0):
    torch.manual_seed(seed)
    network = CLIPModel(CLIPConfig(vision_config={**TOWER, "projection_dim": 32}, text_config=TEXT, projection_dim=32))
    _tokenizer().save_pretrained(folder)
    return _finish(network, folder)


def make_siglip_with_text(folder, *, seed=0):
    torch.manual_seed(seed)
    _tokenizer().save_pretrained(folder)
    return _finish(SiglipModel(SiglipConfig(vision_config=TOWER, text_config={**TEXT, "projection_size": 32})), folder)
