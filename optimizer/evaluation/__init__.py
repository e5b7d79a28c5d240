"""The only road to a score: budget, checks, rollouts, the cache of what was measured."""
