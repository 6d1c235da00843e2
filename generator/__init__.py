"""Makes video from text. Knows no policy and no signature."""

from generator.base import GenerationCancelled, GenerationRequest, Generator, GeneratorError, UnsupportedRequest

__all__ = ["GenerationCancelled", "GenerationRequest", "Generator", "GeneratorError", "UnsupportedRequest"]
