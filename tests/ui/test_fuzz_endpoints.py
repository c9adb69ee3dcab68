"""Random calls of the public endpoints: each is answered with a result or with one sentence, and no traceback is printed.

``ANIMEGEN_FUZZ`` sets how many are made, 60 if not set.
"""

import json
import os
import random

from test_gate import GOOD, send

VALUES = [
    *(None, True, False, 0, 1, -1, 1.5, 2**31, 2**32, -(2**63), 10**30, 1e308, float("nan"), float("inf"), -0.0),
    *(
        "",
        "abc",
        "NaN",
        "0",
        "3,7",
        "1-9",
        "9-1",
        "1-4294967295",
        ",",
        "-",
        "x" * 3000,
        "\x00\x1b[2J",
        "\ud800",
        "../../etc",
        "é" * 50,
    ),
    *(
        "any",
        "pink",
        "slerp",
        "circular",
        "once",
        "mp4",
        "png",
        "tiny-stylegan2",
        "tiny-conditional-dcgan",
        "user/name",
        "http://a/b",
    ),
    *(
        [],
        [[]],
        [1, 2],
        {},
        {"path": "/etc/passwd"},
        {"path": "a", "meta": {"_type": "gradio.FileData"}},
        {"path": 1, "meta": None},
    ),
]


def mutated(chance):
    """An endpoint's name and the body of a call that was good but for a few values."""
    name = chance.choice(list(GOOD))
    data = list(GOOD[name])
    for _ in range(chance.randint(1, 3)):
        data[chance.randrange(len(data))] = chance.choice(VALUES)
    if chance.random() < 0.1:
        data = chance.choice([data[1:], [*data, 1], chance.choice(VALUES)])
    return name, {"data": data}


def test_random_calls_are_answered_with_a_result_or_a_sentence(visitor, capfd):
    chance, client = random.Random(5), visitor()
    for _ in range(int(os.environ.get("ANIMEGEN_FUZZ", "60"))):
        name, body = mutated(chance)
        joined = send(client, f"/call/{name}", body)
        told = f"{name} {body} -> {joined.text[:300]}"
        if joined.status_code != 200:
            assert 400 <= joined.status_code < 500 and len(joined.text) < 1000, told
            continue
        lines = client.get(f"/call/{name}/{joined.json()['event_id']}").text.strip().splitlines()
        kind, data = lines[-2].removeprefix("event: "), json.loads(lines[-1].removeprefix("data: "))
        assert kind == "complete" or isinstance(data["error"], str), told
        assert kind == "complete" or len(data["error"]) < 500, told
    assert "Traceback" not in capfd.readouterr().err
