"""Harnesses to start from and to beat, and the reference agent that runs them."""
