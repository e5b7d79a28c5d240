"""The flags of the reference agent: small helps for the model that a harness turns on in ``[flags]``.

All are off unless a harness says otherwise. A flag that is not listed here is allowed in ``harness.toml`` and does
nothing in the reference agent: an agent of one's own may read it.
"""

from __future__ import annotations

from collections.abc import Mapping

FLAGS: Mapping[str, str] = {
    "context_meter": "behind each turn's results stands how full the context is, estimated",
    "continue_cut": "an answer that was cut at limits.max_output_tokens is continued in the next step",
    "error_hints": "a failed call's result also says what parameters the tool takes, and how often it failed in a row",
    "last_step_answer": "in the last step tools may not be called (tool_choice none), and the model is told to answer",
    "look_first": "an answer before any tool was used is sent back once, with the advice to look it up",
    "parallel_hint": "the system prompt ends by saying that independent calls can be made in one answer",
    "repeat_guard": "a call that was made before, changes nothing, and whose result is still in view is not run again: "
    "its result says where the earlier one stands",
    "result_headers": "each result begins with the call that gave it and how long it is",
    "step_counter": "behind each turn's results stands how many steps are left",
}
"""What each flag does, by name."""


def is_on(flags: Mapping[str, bool], name: str) -> bool:
    """Whether a harness's ``flags`` turn the flag ``name`` on. Raises :class:`KeyError` for one that is not listed."""
    FLAGS[name]
    return flags.get(name, False)
