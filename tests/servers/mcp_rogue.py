"""An MCP server that misbehaves, written by hand: ``mcp_rogue.py SIN``. It speaks the protocol of 2025-06-18, one JSON
message a line, and needs nothing but the standard library."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from typing import Any

OBJECT = {"type": "object", "properties": {"x": {"type": "string"}}}
GOOD = {"name": "good", "description": "Works.", "inputSchema": OBJECT}


def main(sin: str) -> None:
    begin(sin)
    for line in sys.stdin:
        message = json.loads(line)
        method, number = message.get("method"), message.get("id")
        if number is None:
            continue
        if method == "initialize":
            answer(number, handshake(message))
        elif method == "tools/list":
            listed(sin, number, message)
        elif method == "tools/call":
            called(sin, number, message)
        else:
            say({"jsonrpc": "2.0", "id": number, "error": {"code": -32601, "message": "no such method"}})
    if sin == "stays":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        time.sleep(600)


def begin(sin: str) -> None:
    if sin == "dies at once":
        print("cannot find my database", file=sys.stderr, flush=True)
        sys.exit(3)
    if sin == "says nothing":
        time.sleep(600)
    if sin == "prints garbage":
        print("Welcome to the server!\n{not json}", flush=True)
    if sin == "prints only garbage":
        while True:
            print("la " * 1000)
    if sin == "leaves a child":
        subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    if sin == "one endless line":
        while True:
            sys.stdout.write("x" * 65536)


def handshake(message: dict[str, Any]) -> dict[str, Any]:
    version = message["params"]["protocolVersion"]
    capabilities: dict[str, Any] = {"tools": {"listChanged": True}}
    return {"protocolVersion": version, "capabilities": capabilities, "serverInfo": {"name": "rogue", "version": "1"}}


def listed(sin: str, number: int, message: dict[str, Any]) -> None:
    if sin == "lists nothing":
        return
    if sin == "dies on list":
        os._exit(4)
    tools: Any = [GOOD]
    if sin == "lists no list":
        tools = "none"
    if sin == "lists without end":
        page = int((message.get("params") or {}).get("cursor") or 0)
        answer(number, {"tools": [{**GOOD, "name": f"t{page}"}], "nextCursor": str(page + 1)})
        return
    if sin == "lies about schemas":
        tools += [
            {**GOOD, "name": "text", "inputSchema": {"type": "string"}},
            {**GOOD, "name": "no_schema", "inputSchema": "what?"},
            {"name": "none", "description": "No schema at all."},
            {**GOOD, "name": "a.dot"},
            {**GOOD, "name": "any", "inputSchema": {**OBJECT, "anyOf": [{"required": ["x"]}]}},
            {**GOOD, "name": "huge", "inputSchema": {**OBJECT, "description": "y" * 30_000}},
            {**GOOD, "name": "odd_rest", "outputSchema": 7, "annotations": "none", "icons": {}},
            {**GOOD, "name": "wordless", "description": None},
            GOOD,
            "not even an object",
            {"description": "nameless", "inputSchema": OBJECT},
        ]
    if sin == "annotates":
        tools.append({**GOOD, "name": "look", "annotations": {"readOnlyHint": True}})
        tools.append({**GOOD, "name": "see", "annotations": {"readOnlyHint": True}})
    answer(number, {"tools": tools})


def called(sin: str, number: int, message: dict[str, Any]) -> None:
    if sin == "dies in a call":
        print("out of memory", file=sys.stderr, flush=True)
        os._exit(5)
    if sin == "changes its tools":
        say({"jsonrpc": "2.0", "method": "notifications/tools/list_changed"})
        say({"jsonrpc": "2.0", "id": number, "error": {"code": -32602, "message": "Unknown tool: good"}})
    elif sin == "no object":
        say({"jsonrpc": "2.0", "id": number, "result": "fine"})
    elif sin != "hangs in a call":
        answer(number, result_of(sin, message))


def result_of(sin: str, message: dict[str, Any]) -> dict[str, Any]:
    if sin == "another shape":
        return {"answer": 42}
    if sin == "structured":
        return {"content": [], "structuredContent": {"sum": 3}}
    if sin == "odd content":
        content = [
            {"type": "image", "data": "aGk=", "mimeType": "image/png"},
            {"type": "resource_link", "uri": "file:///a.txt", "name": "a"},
            {"type": "resource", "resource": {"uri": "file:///b.txt", "text": "inside b"}},
            {"type": "resource", "resource": {"uri": "file:///c.bin", "blob": "aGVsbG8="}},
        ]
        return {"content": content, "isError": True}
    texts = {"huge result": "z" * 3_000_000, "echo": json.dumps(message["params"]["arguments"])}
    return {"content": [{"type": "text", "text": texts.get(sin, "fine")}]}


def answer(number: int, result: Any) -> None:
    say({"jsonrpc": "2.0", "id": number, "result": result})


def say(message: Any) -> None:
    print(json.dumps(message), flush=True)


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "")
