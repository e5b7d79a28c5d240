"""The reference agent: a loop over the Messages API that runs a harness folder on a task."""
