"""The question generator: questions with their truths. Runs only in the process that grades, never in a sandbox."""

from experiments.navigator.generator.generate import generate

__all__ = ["generate"]
