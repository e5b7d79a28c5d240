"""What each strategy does, on conversations small enough to read."""

import pytest

from search_space.compaction import (
    ClearResults,
    FactLedger,
    NoCompaction,
    SlidingWindow,
    Summary,
    TruncateResults,
    make_compaction,
)
from search_space.compaction.cutting import clip
from search_space.compaction.facts import best, extract, terms_of
from search_space.errors import InvalidFile, MissingFile
from search_space.harness_file import ClearResults as ClearResultsConfig
from search_space.harness_file import CompactionConfig
from search_space.harness_file import NoCompaction as NoConfig
from search_space.harness_file import Plugin as PluginConfig
from search_space.harness_file import Summary as SummaryConfig
from search_space.messages import ModelError, check_messages, estimate_tokens, text_of

TASK = {"role": "user", "content": "Where is the base class of `JSONDecoder` (module `json.decoder`) defined?"}


def step(i, name, given, result, said=""):
    text = [{"type": "text", "text": said}] if said else []
    use = {"type": "tool_use", "id": f"c{i}", "name": name, "input": given}
    answer = {"type": "tool_result", "tool_use_id": f"c{i}", "content": result}
    return [{"role": "assistant", "content": [*text, use]}, {"role": "user", "content": [answer]}]


def conversation(turns=6, chars=800):
    messages = [TASK]
    for i in range(turns):
        source = f"   {i}: class C{i}(Base):\n" + "filler " * (chars // 7)
        messages += step(i, "read_file", {"path": f"p{i}.py"}, source)
    return messages


def result_texts(messages):
    return [text_of(b["content"]) for m in messages[1:] for b in m["content"] if b["type"] == "tool_result"]


class Writer:
    def __init__(self, text="Goal: g\nFacts found: f\nDecisions: d\nOpen items: o"):
        self.text = text
        self.requests = []

    def create(self, request):
        self.requests.append(request)
        if isinstance(self.text, ModelError):
            raise self.text
        return {"content": [{"type": "text", "text": self.text}], "stop_reason": "end_turn"}


def test_sliding_window_keeps_the_task_and_the_end_and_says_what_is_gone():
    messages = conversation()
    rendered = SlidingWindow(keep_messages=4, block=2).compact(messages, limit_tokens=1200)
    assert rendered[1:] == messages[9:]
    assert text_of(rendered[0]["content"]) == TASK["content"] + "\n[8 earlier messages are left out here.]"


def test_sliding_window_moves_the_boundary_by_whole_blocks_and_never_between_call_and_result():
    kept = [len(SlidingWindow(2, block=5).compact(conversation(n), limit_tokens=850)) - 1 for n in range(4, 12)]
    assert kept == [4, 6, 2, 4, 6, 4, 6, 2]  # 5 dropped would split a pair: 4 are


def test_a_last_turn_that_is_too_long_is_shortened():
    messages = [TASK, *step(0, "read_file", {}, "a" * 9000 + "END")]
    rendered = SlidingWindow().compact(messages, limit_tokens=500)
    (text,) = result_texts(rendered)
    assert estimate_tokens(rendered) <= 500
    assert text.startswith("aaa") and text.endswith("END") and "characters left out" in text


def test_clear_results_keeps_calls_and_says_what_was_cleared():
    messages = conversation()
    rendered = ClearResults(keep_results=2, block=2).compact(messages, limit_tokens=1000)
    texts = result_texts(rendered)
    assert texts[0].startswith('[cleared: read_file({"path":"p0.py"}) gave ')
    assert [text.startswith("[cleared") for text in texts] == [True] * 4 + [False] * 2
    assert [m["content"] for m in rendered[1::2]] == [m["content"] for m in messages[1::2]]


def test_clear_results_leaves_small_results_while_it_can():
    messages = [TASK, *step(0, "count", {}, "total 5"), *conversation(6)[1:]]
    assert result_texts(ClearResults(2, 2).compact(messages, limit_tokens=1200))[0] == "total 5"


def test_truncate_results_keeps_both_ends_of_old_results():
    messages = [TASK]
    for i in range(6):
        messages += step(i, "read_file", {"path": "p"}, f"HEAD{i}" + "x" * 900 + f"TAIL{i}")
    rendered = TruncateResults(head_chars=100, tail_chars=50, keep_recent=2, block=4).compact(
        messages, limit_tokens=1000
    )
    texts = result_texts(rendered)
    assert all(t.startswith(f"HEAD{i}") and t.endswith(f"TAIL{i}") for i, t in enumerate(texts))
    assert [len(t) < 300 for t in texts] == [True] * 4 + [False] * 2


def test_summary_asks_for_four_parts_and_pins_the_answer_behind_the_task():
    writer, messages = Writer(), conversation()
    strategy = Summary(keep_messages=4, block=4, max_tokens=100, model_name="agent")
    rendered = strategy.compact(messages, limit_tokens=1200, model=writer)
    assert rendered[1:] == messages[9:]
    assert text_of(rendered[0]["content"]) == (
        f"{TASK['content']}\n[Summary of 8 earlier messages that are no longer shown:]\n{writer.text}"
    )
    (request,) = writer.requests
    asked = text_of(request["messages"][0]["content"])
    assert all(f"{part}:" in asked for part in ("Goal", "Facts found", "Decisions", "Open items"))
    assert TASK["content"] in asked and 'call: read_file({"path":"p3.py"})' in asked
    assert request["max_tokens"] == 100 and request["model"] == "agent"


def test_summary_asks_once_a_move_and_builds_on_the_last_one():
    writer = Writer("Facts found: the base is in a.py:7")
    strategy = Summary(keep_messages=2, block=4, max_tokens=100)
    for turns in range(4, 9):
        strategy.compact(conversation(turns), limit_tokens=1000, model=writer)
    assert len(writer.requests) == 3
    second = text_of(writer.requests[1]["messages"][0]["content"])
    assert "<earlier_summary>\nFacts found: the base is in a.py:7" in second
    assert "p0.py" not in second


@pytest.mark.parametrize("model", [None, Writer(""), Writer(ModelError(529, "overloaded_error", "busy"))])
def test_summary_without_an_answer_is_extractive(model):
    messages = [TASK, *step(0, "find_class", {"name": "JSONDecoder"}, "json/decoder.py:254: class JSONDecoder(object)")]
    messages += conversation()[1:]
    rendered = Summary(keep_messages=4, block=2, max_tokens=200).compact(messages, limit_tokens=1200, model=model)
    text = text_of(rendered[0]["content"])
    assert "Facts found:\nfind_class" in text and "json/decoder.py:254: class JSONDecoder(object)" in text
    assert "Open items:" in text


def test_summary_is_cut_to_the_place_set_aside():
    rendered = Summary(4, 2, max_tokens=50).compact(conversation(), limit_tokens=1200, model=Writer("word " * 5000))
    assert estimate_tokens(rendered) <= 1200
    assert estimate_tokens(rendered[0]) <= 50 + estimate_tokens(TASK)


def test_fact_ledger_pins_what_matters_and_drops_the_rest():
    messages = [
        TASK,
        *step(0, "find_class", {"name": "JSONDecoder"}, "json/decoder.py:254: class JSONDecoder(object)"),
        *step(
            1,
            "count_lines",
            {"path": "json/decoder.py"},
            "json/decoder.py: 357 lines",
            said="So I count the lines next.",
        ),
        *conversation()[1:],
    ]
    rendered = FactLedger(keep_messages=4, block=4, max_facts=8).compact(messages, limit_tokens=1200)
    text = text_of(rendered[0]["content"])
    assert 'find_class({"name":"JSONDecoder"})\n  json/decoder.py:254: class JSONDecoder(object)' in text
    assert "  json/decoder.py: 357 lines" in text
    assert "  So I count the lines next." in text
    assert "class C0(Base)" in text and "filler filler" not in text.replace("class C0(Base):", "")[:400]


def test_facts_prefer_what_the_task_names():
    noise = "\n".join(f"pkg/m{i}.py:{i}: class Thing{i}(Base):" for i in range(200))
    wanted = "json/decoder.py:254: class JSONDecoder(object):"
    messages = step(0, "grep", {"pattern": "class"}, noise + "\n" + wanted + "\n" + noise)
    facts = best(extract(messages, terms_of(TASK["content"])), 5, 1000)
    assert wanted in [fact.text for fact in facts]
    assert len(facts) == 5


def test_facts_of_json_results_are_paths_and_values():
    rows = '{"user": {"id": "liam_khan_2521", "cards": [{"last_four": "9448"}]}, "pad": "' + "x" * 300 + '"}'
    facts = [fact.text for fact in extract(step(0, "get", {}, rows), frozenset())]
    assert 'user.id="liam_khan_2521"' in facts and 'user.cards[0].last_four="9448"' in facts


def test_clip_never_makes_longer():
    assert clip("x" * 50, 20, 20) == "x" * 50
    assert len(clip("x" * 500, 20, 20)) < 100


# The factory and the plug-in


@pytest.mark.parametrize("config", CompactionConfig.__origin__.__args__, ids=lambda c: c.__name__)
def test_every_configured_strategy_can_be_made(config, tmp_path):
    (tmp_path / "strategies").mkdir()
    (tmp_path / "strategies/x.py").write_text("def compact(messages, limit_tokens, parameters): return messages")
    made = make_compaction(config(file="strategies/x.py") if config is PluginConfig else config(), folder=tmp_path)
    messages = conversation()
    check_messages(made.compact(messages, limit_tokens=900))


def test_parameters_reach_the_strategy(tmp_path):
    assert make_compaction(ClearResultsConfig(keep_results=1), folder=tmp_path) == ClearResults(keep_results=1)
    assert make_compaction(SummaryConfig(), folder=tmp_path, model_name="m").model_name == "m"
    assert make_compaction(NoConfig(), folder=tmp_path) == NoCompaction()


def plugin(folder, code):
    (folder / "strategies").mkdir(exist_ok=True)
    (folder / "strategies/x.py").write_text(code)
    return make_compaction(PluginConfig(file="strategies/x.py"), folder=folder)


def test_a_plugin_decides(tmp_path):
    made = plugin(
        tmp_path, "def compact(messages, limit_tokens, parameters):\n    return [messages[0], *messages[-2:]]\n"
    )
    messages = conversation()
    assert made.compact(messages, limit_tokens=900) == [messages[0], *messages[-2:]]


def test_a_plugin_cannot_change_the_history_and_is_tightened(tmp_path):
    change = "messages[2]['content'][0]['content'] += 'changed'"
    made = plugin(tmp_path, f"def compact(messages, limit_tokens, parameters):\n    {change}\n    return messages\n")
    messages = conversation()
    assert estimate_tokens(made.compact(messages, limit_tokens=500)) <= 500
    assert messages == conversation()


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("def compact(m, n, p):\n    return m[2:]", "tool_result without tool_use"),
        ("def compact(m, n, p):\n    return 'x'", "got str, expected a list"),
        ("def compact(m, n, p):\n    return [1]", "expected messages with role and content"),
        ("def compact(m, n, p):\n    return [{'role': 'user', 'content': 'hi'}]", "without the task"),
        ("def compact(m, n, p):\n    x = 1\n    return m[0]['nothing']", "KeyError: 'nothing' at line 3"),
    ],
)
def test_a_plugin_that_returns_something_wrong_is_told(tmp_path, code, words):
    made = plugin(tmp_path, code)
    with pytest.raises(InvalidFile, match=r"strategies/x\.py: compact") as caught:
        made.compact(conversation(), limit_tokens=900)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("code", "words"),
    [("x = = 1", "SyntaxError"), ("import nowhere_at_all", "line 1"), ("y = 1", "def compact(messages")],
)
def test_a_plugin_that_does_not_load_is_told(tmp_path, code, words):
    with pytest.raises(InvalidFile) as caught:
        plugin(tmp_path, code)
    assert words in str(caught.value)


def test_a_plugin_that_is_not_there_is_told(tmp_path):
    with pytest.raises(MissingFile, match=r"strategies/none\.py"):
        make_compaction(PluginConfig(file="strategies/none.py"), folder=tmp_path)
