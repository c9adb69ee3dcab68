"""Calls with arguments that no page sends: each is answered with a result, or refused with one sentence and a 4xx.

Every function of the page is called, the public endpoints by name and as tools of an assistant too, and the functions of the
page's own components. Nothing prints a traceback, answers 500, takes ten seconds of the processor or a gigabyte.
``ANIMEGEN_FUZZ`` is how many calls are made, by default 200; they are the same each time.
"""

import copy
import inspect
import json
import math
import os
import random
import re
import time
from pathlib import Path

import httpx
from test_gate import GOOD, send

COUNT = int(os.environ.get("ANIMEGEN_FUZZ", "200"))
SECONDS = 10  # of the processor, because other programs may use it too
PATIENCE = 60  # seconds after which an answer that must come has not
FILE = {"path": "http://127.0.0.1:9/x.png", "meta": {"_type": "gradio.FileData"}}
VALUES = [
    *(None, True, False, 0, 1, -1, 1.5, 2**31, 2**32, -(2**63), 10**30, 1e308, math.nan, math.inf, -0.0, "", "0", "NaN", "abc"),
    *("3,7", "1-9", "9-1", "1-4294967295", ",", "-", "x" * 3000, "é" * 50, "\x00\x1b[2J", "\ud800", "../../etc", "http://a/b"),
    *("any", "pink", "x8", "slerp", "once", "mp4", "user/name", "tiny-dcgan", "tiny-stylegan2", "tiny-conditional-dcgan"),
    *([], {}, FILE, [FILE], {"a": [FILE]}, {"path": "/etc/passwd"}, {"path": 1, "meta": None}),
    *({"path": "a", "meta": {"_type": "gradio.FileData"}}, [[[[[[]]]]]]),
]
CHARACTER = {"seed": 3, "hair": None, "psi": 0.7, "variation_strength": 0.5, "crossovers": [8, 16]}
DESCRIBED = [
    {"character": CHARACTER},
    {"character": CHARACTER | {"middle": 4, "fine": 5}},
    {"animation": {"keys": [CHARACTER, {"seed": 2}], "frames": 8, "path": "slerp", "fps": 30}},
    {"matrix": {"rows": [1], "columns": [2, 3], "template": {"seed": 0}}},
]
CHOSEN = {"index": 0, "value": "x", "key": 0.7, "action": "left", "to": 1, "ballot": "x", "outcome": "left", "picks": "{}"}


def damaged(value, chance, most=2):
    """The same JSON with up to ``most`` of its values, at any depth, lost, doubled or replaced."""
    holder = json.loads(json.dumps([value]))
    for _ in range(chance.randint(0, most)):
        places = [(holder, 0)]
        for inside, key in places:
            if isinstance(inside[key], dict | list):
                places.extend(
                    (inside[key], k) for k in (inside[key] if isinstance(inside[key], dict) else range(len(inside[key])))
                )
        inside, key = chance.choice(places)
        kind = chance.randrange(8)
        if kind == 0 and inside is not holder:
            del inside[key]
        elif kind == 1 and isinstance(inside[key], list):
            inside[key] *= 2
        elif kind == 2 and isinstance(inside[key], int | float):
            inside[key] += chance.choice((-1, 1, 0.5, 100))
        else:
            inside[key] = copy.deepcopy(chance.choice(VALUES))
    return holder[0]


def usual(control, chance):
    """What a control begins with, or now and then another of its choices."""
    choices = [choice for _, choice in getattr(control, "choices", None) or ()]
    value = getattr(control, "value", None)
    if control.elem_id in ("frames", "faces"):  # which are many at first
        return 8
    return chance.choice(choices) if choices and chance.random() < 0.2 else None if callable(value) else value


def description(chance):
    name = chance.choice(("tiny-dcgan", "tiny-stylegan2"))
    return {"program": "AnimeGen", "checkpoint": name, "checkpoint_hash": "0", **chance.choice(DESCRIBED)}


def calls(demo, chance):
    """Without end: routes and bodies. Each function has its turn."""
    served = [(block._id, name) for block in demo.blocks.values() for name in ("preview", "thumbnail") if hasattr(block, name)]
    while True:
        for function in demo.fns.values():
            data = [usual(control, chance) for control in function.inputs]
            event = damaged(CHOSEN | {"description": json.dumps(damaged(description(chance), chance))}, chance)
            body = {"data": damaged(data, chance), "fn_index": function._id, "event_data": event}
            yield chance.choice(("/queue/join", "/queue/join", "/run/predict")), damaged(body, chance, 1)
            yield f"/call/{function.api_name}", {"data": damaged(data, chance)}
        for name, good in GOOD.items():
            (function,) = [function for function in demo.fns.values() if function.api_name == name]
            by_name = damaged(dict(zip(inspect.signature(function.fn).parameters, good)), chance)
            yield f"/call/{name}", {"data": damaged(good, chance)}
            yield f"/call/v2/{name}", by_name
            tool = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": name, "arguments": by_name}}
            yield "/mcp/", damaged(tool, chance, 1)
            yield (
                chance.choice(("/cancel", "/reset", "/queue/join")),
                damaged({"event_id": "x", "fn_index": 1, "data": []}, chance),
            )
        for number, name in served:
            wish = damaged(description(chance), chance)
            yield "/component_server", damaged({"data": wish, "component_id": number, "fn_name": name}, chance, 1)


def answered(client, path, body):
    """Post, and see that what comes of it is a result or one sentence."""
    sent = send(client, path, body)
    told = f"{path} {str(body)[:1000]} -> {sent.status_code} {sent.text[:1000]}"
    assert sent.status_code < 500 and "Traceback" not in sent.text, told
    if sent.status_code >= 400:
        assert 0 < len(sent.text) < 1000, told
    elif path == "/queue/join":
        with client.stream("GET", "/queue/data", params={"session_hash": body["session_hash"]}) as stream:
            lines = [json.loads(line.removeprefix("data: ")) for line in stream.iter_lines() if line]
        done = [line for line in lines if line["msg"] == "process_completed"]
        assert done and all(line["success"] or is_sentence(line["output"]["error"]) for line in done), (
            f"{told} {str(lines)[:1000]}"
        )
    elif path.startswith("/call/"):
        text = client.get(f"/call/{path.rpartition('/')[2]}/{sent.json()['event_id']}").text
        kind, data = re.findall(r"event: (\w+)\ndata: (.*)", text)[-1]
        assert kind == "complete" or is_sentence(json.loads(data)["error"]), f"{told} {text[:1000]}"


def is_sentence(error):
    return isinstance(error, str) and 0 < len(error) < 700 and "verbose error reporting" not in error


def peak():
    """The process's peak of memory in MiB; 0 where it is unknown."""
    status = Path("/proc/self/status")
    return int(re.search(r"VmHWM:\s*(\d+)", status.read_text())[1]) // 1024 if status.exists() else 0


def test_every_call_is_answered_with_a_result_or_a_sentence(visitor, demo, capfd):
    chance, client, before = random.Random(5), visitor(), peak()
    client.timeout = httpx.Timeout(PATIENCE)
    for index, (path, body) in zip(range(COUNT), calls(demo, chance)):
        if isinstance(body, dict):  # what one call leaves behind in a page is what the next one meets
            body["session_hash"] = f"page{index // 20}"
        start = time.process_time()
        answered(client, path, body)
        assert time.process_time() - start < SECONDS, f"{path} {str(body)[:1000]}"
        assert "Traceback" not in (shown := capfd.readouterr().err), f"{path} {str(body)[:1000]}\n{shown[-3000:]}"
    assert peak() - before < 1024
