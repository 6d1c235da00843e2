"""What is said is judged like what is asked for; sound that nobody listened to is unmeasured, silence is measured."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import (
    PreTrainedTokenizerFast,
    Wav2Vec2Config,
    Wav2Vec2CTCTokenizer,
    Wav2Vec2FeatureExtractor,
    Wav2Vec2ForCTC,
    Wav2Vec2Processor,
    WhisperConfig,
    WhisperFeatureExtractor,
    WhisperForConditionalGeneration,
)

from classifiers.base import MeasurementError, TimeSpan, WeightsError
from classifiers.frame_blocks import SpeechBlock
from classifiers.speech import SpeechClassifier
from classifiers.transformers_speech import TransformersTranscriber
from media.clip import Clip
from media.sound import SAMPLE_RATE, SILENT, Sound
from tests.fakes import WordClassifier

WORDS = WordClassifier({"text.violence": "blood", "text.odd": "odd"})
SOUND = Sound((np.random.default_rng(0).normal(0, 3000, 2 * SAMPLE_RATE)).astype(np.int16), 4.0)


def clip(sound) -> Clip:
    return Clip(np.zeros((1, 32, 32, 3), np.uint8), np.array([6.0]), 24.0, sound=sound)


class Says:
    version = "1"

    def __init__(self, words: str) -> None:
        self.words = words
        self.heard: list[np.ndarray] = []

    def transcribe(self, samples):
        self.heard.append(samples)
        if self.words == "broken":
            raise MeasurementError("the network of ears failed (RuntimeError)")
        return self.words


def test_words_that_are_said_are_judged_with_their_seconds():
    ears = Says("so much blood")
    scores = {score.signal: score for score in SpeechClassifier([WORDS], ears).score(clip(SOUND))}

    assert set(scores) == {"audio.speech", "audio.text.violence", "audio.text.odd"}
    assert scores["audio.text.violence"].value > 0.5
    assert scores["audio.text.violence"].span == TimeSpan(4.0, 6.0)
    assert (scores["audio.speech"].value, scores["audio.text.odd"].value) == (1.0, 0.0)
    assert ears.heard[0].dtype == np.float32
    assert np.abs(ears.heard[0]).max() <= 1.0


def test_silence_is_measured_and_sound_that_nobody_listened_to_is_not():
    for ears in (None, Says("blood")):
        scores = SpeechClassifier([WORDS], ears).score(clip(SILENT))
        assert {score.value for score in scores} == {0.0}
    for classifier, sound in (
        (SpeechClassifier([WORDS], None), SOUND),
        (SpeechClassifier([WORDS], None), None),
        (SpeechClassifier([WORDS], Says("blood")), None),
    ):
        with pytest.raises(MeasurementError, match="no transcriber"):
            classifier.score(clip(sound))


def test_no_word_is_nothing_said_and_a_failing_transcriber_is_unmeasured():
    assert {score.value for score in SpeechClassifier([WORDS], Says(" . ")).score(clip(SOUND))} == {0.0}
    with pytest.raises(MeasurementError, match="ears"):
        SpeechClassifier([WORDS], Says("broken")).score(clip(SOUND))


@pytest.fixture(scope="module")
def whisper(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whisper")
    torch.manual_seed(0)
    words = ["<|endoftext|>", "<|startoftranscript|>", *(f"word{at}" for at in range(30))]
    config = WhisperConfig(
        vocab_size=len(words), d_model=16, encoder_layers=1, decoder_layers=1, encoder_attention_heads=2,
        decoder_attention_heads=2, encoder_ffn_dim=32, decoder_ffn_dim=32, num_mel_bins=80, max_source_positions=1500,
        max_target_positions=64, pad_token_id=0, bos_token_id=0, eos_token_id=0, decoder_start_token_id=1,
        suppress_tokens=[], begin_suppress_tokens=[0], init_std=1.0,
    )  # fmt: skip
    network = WhisperForConditionalGeneration(config)
    network.generation_config.update(
        pad_token_id=0, bos_token_id=0, eos_token_id=0, decoder_start_token_id=1, suppress_tokens=None,
        begin_suppress_tokens=None, is_multilingual=False, no_timestamps_token_id=None,
    )  # fmt: skip
    network.save_pretrained(folder)
    inner = Tokenizer(models.WordLevel({word: at for at, word in enumerate(words)}, unk_token="<|endoftext|>"))
    inner.pre_tokenizer = pre_tokenizers.Whitespace()
    PreTrainedTokenizerFast(
        tokenizer_object=inner, unk_token="<|endoftext|>", pad_token="<|endoftext|>", eos_token="<|endoftext|>"
    ).save_pretrained(folder)
    WhisperFeatureExtractor().save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def wav2vec2(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wav2vec2")
    torch.manual_seed(0)
    letters = {letter: at for at, letter in enumerate(["<pad>", "<s>", "</s>", "<unk>", "|", *"abcdefghij"])}
    (folder / "vocab.json").write_text(json.dumps(letters))
    config = Wav2Vec2Config(
        vocab_size=len(letters), hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32,
        conv_dim=(16, 16), conv_kernel=(10, 8), conv_stride=(80, 40), num_conv_pos_embeddings=16,
        num_conv_pos_embedding_groups=2, initializer_range=0.8, pad_token_id=0,
    )  # fmt: skip
    Wav2Vec2ForCTC(config).save_pretrained(folder)
    Wav2Vec2Processor(
        Wav2Vec2FeatureExtractor(sampling_rate=SAMPLE_RATE), Wav2Vec2CTCTokenizer(folder / "vocab.json")
    ).save_pretrained(folder)
    return folder


def block(folder, **changes) -> SpeechBlock:
    return SpeechBlock(**{"name": "ears", "model": str(folder), "device": "cpu", "max_words": 8, **changes})


@pytest.mark.parametrize("kind", ["whisper", "wav2vec2"])
def test_a_recogniser_writes_down_what_it_hears(kind, request):
    folder = request.getfixturevalue(kind)
    ears = TransformersTranscriber(block(folder))
    samples = SOUND.samples.astype(np.float32) / 32768

    said = ears.transcribe(samples)

    assert said == ears.transcribe(samples)
    assert said
    assert ears.transcribe(samples[:100]) == ""
    scores = SpeechClassifier([WORDS], ears).score(clip(SOUND))
    (speech,) = [score.value for score in scores if score.signal == "audio.speech"]
    assert speech == float(sum(letter.isalpha() for letter in said) >= 3)


def test_a_network_that_fails_is_unmeasured_and_a_folder_without_weights_is_refused(wav2vec2, tmp_path):
    ears = TransformersTranscriber(block(wav2vec2))
    with torch.no_grad():
        ears._network.lm_head.bias.fill_(float("nan"))
    with pytest.raises(MeasurementError, match="ears failed"):
        ears.transcribe(SOUND.samples.astype(np.float32) / 32768)
    with pytest.raises(WeightsError, match="no weights"):
        TransformersTranscriber(block(tmp_path))
