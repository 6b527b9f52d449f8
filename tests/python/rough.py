"""A server on standard input and output without any package and with rough manners, for what a well-behaved one never does.

It speaks sessions only. With `--stubborn` it neither ends at the end of its input nor when it is asked to; with
`--dies` it ends before it says anything.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import threading

SECRET = os.environ.get("ROUGH_SECRET", "")
held: dict[str, tuple] = {}
asked: dict[str, object] = {}


def say(message: dict) -> None:
    """Writes one line."""
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


def answer(number: object, text: str) -> None:
    """Answers a call."""
    say({"jsonrpc": "2.0", "id": number, "result": {"content": [{"type": "text", "text": text}]}})


def note(method: str, params: dict) -> None:
    """Sends a notification."""
    say({"jsonrpc": "2.0", "method": method, "params": params})


def reaches(path: str) -> str:
    """What can be done with a path."""
    try:
        os.listdir(path) if os.path.isdir(path) else open(path).close()
    except OSError as error:
        return type(error).__name__
    try:
        with open(os.path.join(path, "written"), "w") as file:
            file.write("x")
    except OSError:
        return "read"
    return "write"


def connects(port: int) -> str:
    """Whether something on this machine can be reached by the network."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
    except OSError as error:
        return type(error).__name__
    return "connected"


def call(number: object, name: str, given: dict, meta: dict) -> None:
    """Runs a tool."""
    if name == "crash":
        os._exit(7)
    elif name == "environment":
        answer(number, json.dumps({key: value for key, value in os.environ.items() if key != "ROUGH_SECRET"}))
    elif name == "secret":
        print(f"the secret is {SECRET}, and token=abcdef0123456789", file=sys.stderr, flush=True)
        answer(number, str(len(SECRET)))
    elif name == "noise":
        sys.stdout.write("Server listening on nothing\n\n[1, 2]\n")
        sys.stdout.flush()
        answer(number, "noise was made")
    elif name == "hold":
        held[given["name"]] = (number, meta.get("progressToken"))
        answer_when_all(int(given["of"]))
    elif name == "offspring":
        near = subprocess.Popen(["sleep", "1000"])
        far = subprocess.Popen(["sleep", "1000"], start_new_session=True)
        answer(number, json.dumps([os.getpid(), near.pid, far.pid]))
    elif name == "reach":
        told = {path: reaches(path) for path in given.get("paths", [])}
        told["network"] = connects(given.get("port", 9))
        told["processes"] = len([name for name in os.listdir("/proc") if name.isdigit()])
        answer(number, json.dumps(told))
    elif name == "run":
        done = subprocess.run(given["command"], capture_output=True, text=True, check=False)
        answer(number, json.dumps({"code": done.returncode, "out": done.stdout, "err": done.stderr}))
    elif name == "ask":
        asked["question-1"] = number
        schema = {"type": "object", "properties": {"color": {"type": "string"}}}
        params = {"message": "Which color?", "requestedSchema": schema}
        say({"jsonrpc": "2.0", "id": "question-1", "method": "elicitation/create", "params": params})
    else:
        answer(number, f"no tool {name}")


def answer_when_all(of: int) -> None:
    """Everybody who waits is answered, in the order of names, once so many wait."""
    if len(held) < of:
        return
    for name, (number, token) in sorted(held.items()):
        if token is not None:
            note("notifications/progress", {"progressToken": token, "progress": 1, "message": f"for {name}"})
        note("notifications/message", {"level": "info", "data": f"somebody waits: {name}"})
        answer(number, f"held {name}")
    held.clear()


def heard(message: dict) -> None:
    """Does what a message wants."""
    method, number, params = message.get("method"), message.get("id"), message.get("params") or {}
    if method is None:
        waiting = asked.pop(number, None)
        if waiting is not None:
            answer(waiting, json.dumps(message.get("result") or message.get("error")))
    elif method == "initialize":
        result = {
            "protocolVersion": params["protocolVersion"],
            "capabilities": {"tools": {}},
            "serverInfo": {"name": "rough", "version": "1.0.0"},
        }
        say({"jsonrpc": "2.0", "id": number, "result": result})
    elif method == "tools/list":
        names = ["ask", "crash", "environment", "hold", "noise", "offspring", "reach", "run", "secret"]
        tools = [{"name": name, "inputSchema": {"type": "object"}} for name in names]
        say({"jsonrpc": "2.0", "id": number, "result": {"tools": tools}})
    elif method == "tools/call":
        call(number, params["name"], params.get("arguments") or {}, params.get("_meta") or {})
    elif method == "notifications/cancelled":
        print(f"cancelled {json.dumps(params.get('requestId'))}", file=sys.stderr, flush=True)
    elif number is not None:
        say({"jsonrpc": "2.0", "id": number, "error": {"code": -32601, "message": "Method not found"}})


if "--dies" in sys.argv:
    print("something is missing", file=sys.stderr)
    sys.exit(3)
if "--stubborn" in sys.argv:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("ready", file=sys.stderr, flush=True)
for line in sys.stdin:
    heard(json.loads(line))
if "--stubborn" in sys.argv:
    threading.Event().wait()
