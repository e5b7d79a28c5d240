"""Optimizers side by side on problems whose truth is known."""
