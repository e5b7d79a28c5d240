"""Ratchet from Python: what ``import optimizer`` offers to those who want no command line."""
