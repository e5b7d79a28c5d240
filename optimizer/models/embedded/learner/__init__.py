"""The in-context learner: answers a question from the examples and the list of answers in the request, and from nothing
else. It never slips: what it gets wrong, the request did not teach it."""

from optimizer.models.embedded.learner.answering import learned_answer

__all__ = ["learned_answer"]
