"""Prompts with examples: stored cases, which of them a question is shown, and how the request is put together."""

from search_space.prompting.cases import Case, read_cases, write_cases
from search_space.prompting.compose import Composed, PromptTooLong, compose
from search_space.prompting.harness import PromptHarness, prompt_from_files
from search_space.prompting.memory import Memory
from search_space.prompting.settings import SETTINGS_FILE, PromptSettings

__all__ = [
    "SETTINGS_FILE",
    "Case",
    "Composed",
    "Memory",
    "PromptHarness",
    "PromptSettings",
    "PromptTooLong",
    "compose",
    "prompt_from_files",
    "read_cases",
    "write_cases",
]
