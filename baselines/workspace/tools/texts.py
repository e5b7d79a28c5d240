"""Tools that count, sort, extract and rewrite text: of a file, or given with the call."""

from __future__ import annotations

import base64
import binascii
import re
import textwrap
from collections import Counter
from typing import Final

from baselines.workspace.folder import Workspace
from baselines.workspace.tools.inputs import FILE, PATTERN, TEXT, compiled, lines_of, looked_at
from search_space.tool_definitions import Definition, Inputs, Parameter, capped, effects
from search_space.tools import ToolError

READS: Final = effects(reads="files:{path}")
_NUMBERS: Final = re.compile(r"(\d+)")
_HUMPS: Final = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+|[^\W\d_]+")


def count_words(workspace: Workspace, inputs: Inputs) -> str:
    text = workspace.text(inputs["path"])
    return f"{len(lines_of(text)):,} lines, {len(text.split()):,} words, {len(text):,} characters"


def frequent_words(workspace: Workspace, inputs: Inputs) -> str:
    words = Counter(re.findall(r"\w+", workspace.text(inputs["path"]).lower()))
    ordered = sorted(words.items(), key=lambda item: (-item[1], item[0]))
    return "\n".join(f"{word}: {count}" for word, count in ordered[: inputs["count"] or 20]) or "no words"


def sort_lines(workspace: Workspace, inputs: Inputs) -> str:
    lines = sorted(lines_of(workspace.text(inputs["path"])), key=_natural if inputs["natural"] else None)
    return "\n".join(reversed(lines) if inputs["descending"] else lines)


def distinct_lines(workspace: Workspace, inputs: Inputs) -> str:
    return "\n".join(dict.fromkeys(lines_of(workspace.text(inputs["path"]))))


def squeeze_lines(workspace: Workspace, inputs: Inputs) -> str:
    lines = lines_of(workspace.text(inputs["path"]))
    return "\n".join(line for number, line in enumerate(lines) if not number or line != lines[number - 1])


def extract_matches(workspace: Workspace, inputs: Inputs) -> str:
    pattern = compiled(inputs["pattern"])
    found = [
        "\t".join(group or "" for group in match.groups()) if pattern.groups else match.group()
        for line in lines_of(workspace.text(inputs["path"]))
        for match in pattern.finditer(looked_at(line))
    ]
    found = list(dict.fromkeys(found)) if inputs["distinct"] else found
    return capped(found) or f"nothing matches {inputs['pattern']}"


def change_case(workspace: Workspace, inputs: Inputs) -> str:
    text, case = inputs["text"], inputs["case"]
    if case in ("upper", "lower", "title"):
        return str(getattr(text, case)())
    words = _HUMPS.findall(text)
    match case:
        case "camel":
            return "".join([*(word.lower() for word in words[:1]), *(word.capitalize() for word in words[1:])])
        case "pascal":
            return "".join(word.capitalize() for word in words)
    return {"snake": "_", "kebab": "-", "constant": "_"}[case].join(
        word.upper() if case == "constant" else word.lower() for word in words
    )


def wrap_text(workspace: Workspace, inputs: Inputs) -> str:
    paragraphs = re.split(r"\n\s*\n", inputs["text"].strip())
    return "\n\n".join(textwrap.fill(" ".join(paragraph.split()), inputs["width"] or 80) for paragraph in paragraphs)


def encode_base64(workspace: Workspace, inputs: Inputs) -> str:
    return base64.b64encode(_bytes(inputs["text"])).decode("ascii")


def decode_base64(workspace: Workspace, inputs: Inputs) -> str:
    compact = "".join(inputs["text"].split()).replace("-", "+").replace("_", "/")
    try:
        content = base64.b64decode(compact + "=" * (-len(compact) % 4), validate=True)
    except (binascii.Error, ValueError) as error:
        raise ToolError(f"no valid Base64: {error}") from None
    try:
        return content.decode()
    except UnicodeDecodeError:
        return f"{len(content)} bytes that are no UTF-8 text; in hexadecimal: {content[:400].hex()}"


def _bytes(text: str) -> bytes:
    return text.encode(errors="surrogatepass")


def _natural(line: str) -> list[tuple[int, int, str]]:
    """Digits as the number they are: a2 before a10."""
    parts = _NUMBERS.split(line)
    return [
        (0, int(part), part) if number % 2 and len(part) < 1000 else (1, 0, part) for number, part in enumerate(parts)
    ]


DEFINITIONS: Final = (
    Definition("count_words", "Count the lines, words and characters of a text file.", (FILE,), count_words, READS),
    Definition(
        "frequent_words",
        "List the words that occur most often in a text file, with their numbers.",
        (FILE, Parameter("count", "How many words; 20 when left out.", "integer", False, 1, 200)),
        frequent_words,
        READS,
    ),
    Definition(
        "sort_lines",
        "Show the lines of a file sorted; the file stays as it is.",
        (
            FILE,
            Parameter("natural", "Sort numbers in the lines by their size.", "boolean", required=False),
            Parameter("descending", "From last to first.", "boolean", required=False),
        ),
        sort_lines,
        READS,
    ),
    Definition(
        "distinct_lines",
        "Show the lines of a file, each different one once, where it first stands.",
        (FILE,),
        distinct_lines,
        READS,
    ),
    Definition(
        "squeeze_lines",
        "Show the lines of a file with equal lines that follow each other shown once.",
        (FILE,),
        squeeze_lines,
        READS,
    ),
    Definition(
        "extract_matches",
        "Extract what a regular expression matches in a file, one match a line; with groups, only those.",
        (FILE, PATTERN, Parameter("distinct", "Each different match once.", "boolean", required=False)),
        extract_matches,
        READS,
    ),
    Definition(
        "change_case",
        "Change the case of a text or name.",
        (
            TEXT,
            Parameter(
                "case",
                "The case.",
                options=("upper", "lower", "title", "snake", "kebab", "camel", "pascal", "constant"),
            ),
        ),
        change_case,
    ),
    Definition(
        "wrap_text",
        "Wrap the paragraphs of a text to a width.",
        (TEXT, Parameter("width", "Characters of a line; 80 when left out.", "integer", False, 10, 1000)),
        wrap_text,
    ),
    Definition("encode_base64", "Encode a text as Base64.", (TEXT,), encode_base64),
    Definition("decode_base64", "Decode Base64 to text.", (TEXT,), decode_base64),
)
