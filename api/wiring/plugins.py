"""The rows that the file of plug-ins adds to the catalog. Torch is loaded only when one that needs it is built."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from classifiers.base import ConfigurationError
from classifiers.catalog import BUILT_IN, Row
from classifiers.frame_blocks import (
    FrameClassifierBlock,
    FrameJudgeBlock,
    OriginDetectorBlock,
    SpeechBlock,
    ZeroShotBlock,
)
from classifiers.plugin_file import JudgeBlock, PluginFile, TextClassifierBlock, read_plugin_file
from media.clip import Clip

if TYPE_CHECKING:
    from classifiers.base import Classifier
    from classifiers.speech import Transcriber

Clauses = Mapping[str, str]
"""The policy's clause of each category."""


def configured_rows(path: Path | None, clauses: Callable[[], Clauses] = dict) -> tuple[Row, ...]:
    """Read the file of text plug-ins; without one, nothing is added.

    `clauses` is called when a judge is built, not before: the policy is checked against the names of signals first.

    Raises:
        ConfigurationError: it cannot be read or cannot be meant.
    """
    file = read_plugin_file(path)
    _refuse_blind_judges(file)
    checkpoints = [_checkpoint_row(block, file.folder) for block in file.text_classifier]
    judges = [_judge_row(block, file.folder, clauses) for block in file.judge]
    return (*checkpoints, *judges, *_picture_rows(file, clauses))


def configured_transcriber(path: Path | None) -> Callable[[], Transcriber] | None:
    """Return what opens the speech recogniser that the file names; None: it names none.

    Raises:
        ConfigurationError: the file cannot be read or cannot be meant.
    """
    file = read_plugin_file(path)
    return partial(_open_transcriber, file.speech[0], file.folder) if file.speech else None


def _open_transcriber(block: SpeechBlock, folder: Path) -> Transcriber:
    from classifiers.transformers_speech import TransformersTranscriber

    return TransformersTranscriber(block, folder)


def _picture_rows(file: PluginFile, clauses: Callable[[], Clauses]) -> Iterator[Row]:
    for frames in file.frame_classifier:
        yield Row(frames.name, Clip, frames.reported, partial(_open_frames, frames, file.folder))
    for words in file.zero_shot:
        yield Row(words.name, Clip, words.reported, partial(_open_zero_shot, words, file.folder, clauses))
    for judge in file.frame_judge:
        yield Row(judge.name, Clip, judge.reported, partial(_open_frame_judge, judge, file.folder, clauses))
    for detector in file.origin_detector:
        yield Row(detector.name, Clip, detector.reported, partial(_open_origin_detector, detector, file.folder))


def _open_frames(block: FrameClassifierBlock, folder: Path, _: object) -> Classifier[Clip]:
    from classifiers.transformers_frames import open_frame_checkpoint

    return open_frame_checkpoint(block, folder)


def _open_zero_shot(block: ZeroShotBlock, folder: Path, clauses: Callable[[], Clauses], _: object) -> Classifier[Clip]:
    from classifiers.zero_shot import ZeroShotFrames

    return ZeroShotFrames(block, clauses(), folder)


def _open_frame_judge(
    block: FrameJudgeBlock, folder: Path, clauses: Callable[[], Clauses], _: object
) -> Classifier[Clip]:
    from classifiers.vision_judge import VisionJudge

    return VisionJudge(block, clauses(), folder)


def _open_origin_detector(block: OriginDetectorBlock, folder: Path, _: object) -> Classifier[Clip]:
    from classifiers.remote_origin import RemoteOriginDetector

    return RemoteOriginDetector(block, folder)


ORIGIN_SIGNAL, FORENSICS = "video.synthetic", "forensics"
"""What a detector of origin reports, and the name of the embedded one."""


def origin_detector(rows: Sequence[Row]) -> str:
    """Return the name of what estimates origin in scans: the configured row that does, or the embedded classifier.

    Raises:
        ConfigurationError: several are configured; an answer about origin is one detector's.
    """
    names = [row.name for row in rows if row.accepts is Clip and ORIGIN_SIGNAL in row.signals]
    if len(names) > 1:
        raise ConfigurationError(
            f"{' and '.join(names)} report {ORIGIN_SIGNAL}: a scan asks one of them; leave the others out"
        )
    return names[0] if names else FORENSICS


def _refuse_blind_judges(file: PluginFile) -> None:
    offered = {signal for row in BUILT_IN if row.accepts is str for signal in row.signals}
    offered |= {signal for block in file.text_classifier for signal in block.reported}
    for block in file.judge:
        if block.when == "unsure" and (blind := sorted(set(block.watched.values()) - offered)):
            raise ConfigurationError(f"{block.name}: it watches {blind[0]!r}, which no classifier of prompts reports")


def _checkpoint_row(block: TextClassifierBlock, folder: Path) -> Row:
    def build(_: object) -> Classifier[str]:
        from classifiers.transformers_text import TransformersTextClassifier

        return TransformersTextClassifier(block, folder)

    return Row(block.name, str, block.reported, build)


def _judge_row(block: JudgeBlock, folder: Path, clauses: Callable[[], Clauses]) -> Row:
    def build(_: object) -> Classifier[str]:
        from classifiers.remote_judge import RemoteJudge

        return RemoteJudge(block, clauses(), folder)

    return Row(block.name, str, block.reported, build)
