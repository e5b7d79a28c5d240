"""Tuning a prompt: what may change in it, where to begin, and what is handed over."""
