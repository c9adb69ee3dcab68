"""Visitors share a studio: none can take all of it, and nothing is drawn for who is gone."""

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from gradio_client import Client
from waiting import eventually, settled

from animegen_core.ui.visitors import Turns, in_turns

FILM = ["3,7", "slerp", 240, 30, "linear", "closed", "gif", "any", "any", 1, 512, "tiny-dcgan"]
FACES = [5, 4, "any", "any", 1, 0, 0, 0, "tiny-dcgan"]  # four, from seed 5 on


def ask(client, endpoint, arguments, forwarded=None, **more):
    headers = {"x-forwarded-for": forwarded} if forwarded else {}
    return client.post(f"/call/{endpoint}", json={"data": arguments, **more}, headers=headers)


def answer(client, endpoint, joined):
    """The last event of an answer and its data."""
    lines = client.get(f"/call/{endpoint}/{joined.json()['event_id']}").text.strip().splitlines()
    return lines[-2].removeprefix("event: "), json.loads(lines[-1].removeprefix("data: "))


def test_no_route_goes_past_the_queue(visitor, demo, slow):
    flooder = visitor("127.0.0.2")
    with ThreadPoolExecutor(40) as crowd:
        routes = [f"/{route}/animate" for route in ("run", "api")] * 20
        answers = list(crowd.map(lambda route: flooder.post(route, json={"data": FILM}), routes))
    assert {response.status_code for response in answers} == {404}
    private = next(function for function in demo.fns.values() if function.name == "explore")
    assert flooder.post(f"/run/{private.api_name}", json={"data": [None, None]}).status_code == 404
    assert slow == []


def test_a_flood_of_films_leaves_room_for_others(visitor, slow):
    flooder, guest = visitor("127.0.0.2"), visitor()
    joined = [ask(flooder, "animate", FILM, session_hash=f"flood{index % 3}") for index in range(90)]
    refused = [response for response in joined if response.status_code == 429]
    assert 0 < len(refused) < 30  # fewer where films end meanwhile
    assert refused[0].json()["detail"] == "64 of your requests are already waiting; let some finish first."
    eventually(lambda: slow)
    assert ask(guest, "animate", FILM, session_hash="late").status_code == 200
    assert place(guest, "late") <= 1  # and not 64
    before = len(slow)
    kind, faces = answer(guest, "generate", ask(guest, "generate", FACES))
    assert kind == "complete" and len(faces[0]) == 4
    assert len(slow) - before < 4 * 6  # they took turns, face by face
    for index in range(3):
        leave(flooder, f"flood{index}")
    assert settled(slow) < 240


def test_a_page_alone_cannot_fill_the_places_of_its_address(visitor, slow):
    client = visitor("127.0.0.3")
    joined = [ask(client, "animate", FILM, session_hash="one") for _ in range(40)]
    assert 32 <= [response.status_code for response in joined].count(200) < 40  # those that wait, and those that run meanwhile
    assert ask(client, "generate", FACES, session_hash="another").status_code == 200
    leave(client, "one")
    assert settled(slow) < 240


@pytest.mark.parametrize(
    "proxy, flooding, late, status",
    [
        ("127.0.0.9", "203.0.113.7", "203.0.113.8", 200),  # two visitors of one proxy
        ("127.0.0.9", "1.1.1.1, 203.0.113.7", "2.2.2.2, 203.0.113.7", 429),  # the proxy saw one, who names others before it
        ("127.0.0.9", "203.0.113.7, 10.1.2.3", "203.0.113.8, 10.1.2.3", 200),  # through two proxies
        ("127.0.0.9", "2001:db8::1", "2001:db8::2", 429),  # a household of IPv6
        ("127.0.0.9", "2001:db8:0:1::1", "2001:db8:0:2::1", 200),
        ("127.0.0.8", "203.0.113.7", "203.0.113.8", 429),  # no proxy, whatever it says
    ],
)
def test_visitors_of_a_proxy_are_told_apart(visitor, slow, proxy, flooding, late, status):
    client = visitor(proxy)
    for index in range(70):
        ask(client, "animate", FILM, session_hash=f"proxy{index % 3}", forwarded=flooding)
    assert ask(client, "animate", FILM, session_hash="late", forwarded=late).status_code == status
    for session in ("proxy0", "proxy1", "proxy2", "late")[: 4 if status == 200 else 3]:
        leave(client, session)
    settled(slow)


def place(client, session):
    """What a page is shown: how many are drawn before it, or 0 where it is drawn at once."""
    with client.stream("GET", "/queue/data", params={"session_hash": session}) as stream:
        messages = (json.loads(line.removeprefix("data: ")) for line in stream.iter_lines() if line)
        return next(m.get("rank", 0) for m in messages if m["msg"] in ("estimation", "process_starts"))


def leave(client, session):
    """Listen to a page's answers, and hang up."""
    with client.stream("GET", "/queue/data", params={"session_hash": session}):
        pass


def test_a_cancelled_film_is_not_drawn_to_its_end(demo, slow):
    job = Client(demo.local_url, verbose=False).submit(seeds="3,7", frames=240, api_name="/animate")
    eventually(lambda: len(slow) > 5)
    job.cancel()
    assert settled(slow) < 240


def test_nothing_is_drawn_for_a_client_that_is_gone(visitor, slow):
    client = visitor()
    joined = ask(client, "animate", FILM)
    with client.stream("GET", f"/call/animate/{joined.json()['event_id']}"):
        eventually(lambda: len(slow) > 5)
    assert settled(slow) < 240


def test_previews_of_a_flood_take_turns_with_others(visitor, demo, slow):
    portrait = next(block for block in demo.blocks.values() if block.elem_id == "portrait")
    wish = {"checkpoint": "tiny-dcgan", "character": {"seed": 1}}
    body = dict(data=wish, component_id=portrait._id, fn_name="preview", session_hash="flood")
    flooder, guest = visitor("127.0.0.2"), visitor()
    with ThreadPoolExecutor(30) as crowd:
        flood = [crowd.submit(flooder.post, "/component_server", json=body) for _ in range(30)]
        eventually(lambda: slow)
        before = len(slow)
        assert guest.post("/component_server", json=body | {"session_hash": "guest"}).json().startswith("data:image/jpeg")
        assert len(slow) - before < 6
    assert all(one.result().status_code == 200 for one in flood)


def test_a_program_that_names_no_session_leaves_nothing_behind(visitor, demo):
    client = visitor()
    before = set(demo.state_holder.session_data)
    assert answer(client, "generate", ask(client, "generate", FACES))[0] == "complete"
    eventually(lambda: set(demo.state_holder.session_data) <= before)


def test_everybodys_first_comes_before_anybodys_second():
    items = ["a1", "a2", "a3", "b1", "c1", "b2"]
    assert in_turns(items, [], lambda item: item[0]) == ["a1", "b1", "c1", "a2", "b2", "a3"]
    assert in_turns(items, ["a0", "a00"], lambda item: item[0]) == ["b1", "c1", "b2", "a1", "a2", "a3"]


def test_a_turn_of_who_left_goes_to_the_next():
    async def play():
        turns, order = Turns(1, 3), []
        inside, leave = asyncio.Event(), asyncio.Event()

        async def come(name, owner, gone, stay=None):
            async with turns.turn(owner, gone.wait) as still_there:
                order.append((name, still_there))
                if stay:
                    inside.set()
                    await stay.wait()

        never, now = asyncio.Event(), asyncio.Event()
        first = asyncio.create_task(come("first", "a", never, leave))
        await inside.wait()
        others = [
            asyncio.create_task(come(name, "a", now if name == "left" else never)) for name in ("left", "second", "third")
        ]
        await asyncio.sleep(0)
        with pytest.raises(Exception, match="3 of your requests are already waiting"):
            await come("fourth", "a", never)
        guest = asyncio.create_task(come("guest", "b", never))
        now.set()
        await asyncio.sleep(0.01)
        leave.set()
        await asyncio.gather(first, *others, guest)
        return order

    with ThreadPoolExecutor(1) as thread:  # after browser tests this thread has a running event loop already
        order = thread.submit(lambda: asyncio.run(play())).result()
    assert order == [("first", True), ("left", False), ("guest", True), ("second", True), ("third", True)]
