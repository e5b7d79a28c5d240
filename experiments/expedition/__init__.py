"""Sequences of questions about a source tree, for a harness with everything: memory, sub-agents, a hundred tools."""
