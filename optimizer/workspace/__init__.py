"""Variants as git trees, without a checkout of anybody's files."""
