"""The prompted baseline: one request for a question, with the stored cases that its settings choose."""
