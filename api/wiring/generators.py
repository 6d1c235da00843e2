"""Chooses the generator in service, a server, a local folder, or the checkpoint that ships, and who expands prompts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from generator.base import GeneratorError
from safety.revisions import Revisions

if TYPE_CHECKING:
    from pathlib import Path

    from api.settings import Settings
    from generator.base import Generator, PromptExpander
    from safety.revisions import RevisionRecords


def chosen_generator(settings: Settings) -> Generator:
    """Return the generator that the settings name.

    Raises:
        GeneratorError: the folder is no pipeline, or the key file cannot be read.
    """
    if settings.generator_url:
        from generator.remote import RemoteGenerator, Server

        key = _read_key(settings.generator_key_file)
        return RemoteGenerator(Server(settings.generator_url, settings.generator_model, key))
    if settings.generator is not None:
        from generator.pipelines import PipelineGenerator

        return PipelineGenerator(
            settings.generator,
            steps=settings.generator_steps,
            device=settings.generator_device,
            dtype=settings.generator_dtype,
            offload=settings.generator_offload,
        )
    from generator.embedded import EmbeddedGenerator

    return EmbeddedGenerator()


def revisions(settings: Settings, generator: Generator, records: RevisionRecords) -> Revisions | None:
    """Return what expands prompts and where it keeps them, or None; raises as `chosen_expander`."""
    expander = chosen_expander(settings, generator)
    return Revisions(expander, records) if expander is not None else None


def chosen_expander(settings: Settings, generator: Generator) -> PromptExpander | None:
    """Return what writes the prompt that `generator` draws; None: nobody, it takes prompts as they are.

    Raises:
        GeneratorError: the folder is no checkpoint, or the key file cannot be read.
    """
    if settings.expander_url:
        from generator.prompt_writer import Endpoint, RemoteExpander

        key = _read_key(settings.expander_key_file)
        return RemoteExpander(Endpoint(settings.expander_url, settings.expander_model, key))
    if settings.expander is not None:
        from generator.prompt_writer import LocalExpander

        return LocalExpander(settings.expander, settings.generator_device)
    from generator.embedded import EmbeddedGenerator
    from generator.expand import SceneExpander

    return SceneExpander() if isinstance(generator, EmbeddedGenerator) else None


def _read_key(file: Path | None) -> str:
    if file is None:
        return ""
    try:
        return file.read_text("utf-8").strip()
    except (OSError, ValueError) as error:
        raise GeneratorError(f"{file} cannot be read: {type(error).__name__}") from error
