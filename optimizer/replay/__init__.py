"""Recorded conversations rendered again through another compaction, without a model, and what that is worth."""
