"""The embedded model: a deterministic, seeded, documented stand-in for a language model. It is none."""

from optimizer.models.embedded.model import EmbeddedModel

__all__ = ["EmbeddedModel"]
