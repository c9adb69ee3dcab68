"""What is refused before any work begins: one sentence, 4xx, and nothing of what was sent but its beginning."""

import http.client
import json

import pytest
from gradio import processing_utils
from gradio_client import Client
from gradio_client.exceptions import ValidationError

GOOD = {
    "generate": [5, 1, "any", "any", 1, 0, 0, 0, "tiny-dcgan"],
    "animate": ["3,7", "slerp", 8, 30, "linear", "closed", "gif", "any", "any", 1, 0, "tiny-dcgan"],
    "mix": [1, 2, 3, "16,64", "any", "any", 1, 0, "tiny-stylegan2"],
    "steer": [5, "pink hair", "any", "red", "blue", "any", "", 0.7, 0, "tiny-stylegan2"],
    "invert": [None, 2, 0, "tiny-stylegan2"],
    "restore": [None],
}
ENDLESS = "x" * 5000


def send(client, path, body):
    text = body if isinstance(body, bytes) else json.dumps(body).encode()  # which writes NaN as JavaScript does
    return client.post(path, content=text, headers={"content-type": "application/json"})


def sentence(response, status=400):
    assert response.status_code == status, response.text[:500]
    assert len(response.text) < 500 and "Traceback" not in response.text
    return response.json()["detail"]


@pytest.mark.parametrize(
    "endpoint, place, value, words",
    [
        ("generate", 0, "abc", "seed is 'abc', but must be a number from 0 to 4294967295."),
        ("generate", 0, float("nan"), "seed is nan, but must be a number from 0 to 4294967295."),
        ("generate", 4, float("inf"), "psi is inf, but must be a number from 0 to 1.5."),
        ("generate", 1, True, "faces is True, but must be a number from 1 to 100."),
        ("generate", 1, [1], "faces is [1], but must be a number from 1 to 100."),
        ("generate", 2, "mauve", "hair is 'mauve', but must be one of: any, "),
        ("generate", 2, {"a": 1}, "hair is {'a': 1}, but must be one of: any, "),
        ("generate", 8, 7, "checkpoint is 7, but must be a text of at most 2000 characters."),
        ("animate", 0, None, "seeds is None, but must be a text"),
        ("animate", 0, ENDLESS, "seeds is 'xxxxx"),
        ("animate", 6, "gif\x1b[2J\x00", r"format is 'gif\x1b[2J\x00', but must be one of: gif, webp, mp4, png."),
        ("mix", 3, 5, "crossovers is 5, but must be a text"),
        ("steer", 4, "mauve", "recolour_hair is 'mauve', but must be one of: any, aqua"),
        ("invert", 0, "/etc/passwd", "file is '/etc/passwd', but must be a file that was uploaded."),
        ("invert", 1, 301, "steps is 301, but must be a number from 0 to 300."),
        ("restore", 0, "a.png", "file is 'a.png', but must be a file that was uploaded."),
        ("restore", 0, {"path": "/etc/passwd", "meta": {"_type": "gradio.FileData"}}, "but must be a file that was uploaded."),
        ("restore", 0, {"path": "a\0b", "meta": {"_type": "gradio.FileData"}}, "but must be a file that was uploaded."),
        ("generate", 0, {"path": "x", "meta": 3}, "seed is {'path': 'x', 'meta': 3}, but must be a number"),
    ],
)
def test_an_argument_of_another_type_is_named_with_what_it_must_be(visitor, endpoint, place, value, words):
    data = list(GOOD[endpoint])
    data[place] = value
    *good, told = sentence(send(visitor(), f"/call/{endpoint}", {"data": data}), 422)
    assert words in told["message"]
    assert len(good) == place and all(
        one["is_valid"] for one in good
    )  # the page shows the sentence at the control of this place


@pytest.mark.parametrize(
    "path, body, status, words",
    [
        ("/call/generate", {"data": [1, 2]}, 400, "'data' is a list of 2, but must be a list of 9 values."),
        ("/call/generate", {"data": "abc"}, 400, "'data' is 'abc', but must be a list of 9 values."),
        ("/call/generate", {}, 400, "'data' is None, but must be a list of 9 values."),
        ("/call/generate", [], 400, "The request is not a JSON object."),
        ("/call/generate", b"{", 400, "The request is not a JSON object."),
        ("/call/generate", b"[" * 100_000, 400, "The request is not a JSON object."),
        ("/call/generate", b'{"data": [' + b"9" * 5000 + b"]}", 400, "The request is not a JSON object."),
        (
            "/call/nonesuch",
            {"data": []},
            404,
            "There is no endpoint 'nonesuch'; there are: generate, steer, animate, mix, invert, restore.",
        ),
        ("/run/nonesuch", {"data": []}, 404, "There is no endpoint 'nonesuch'"),
        ("/call/explore", {"data": [None, None]}, 404, "There is no endpoint 'explore'; there are: generate,"),
        ("/run/explore", {"data": [None, None]}, 404, "There is no endpoint 'explore'"),
        ("/queue/join", {"data": [], "fn_index": 9999, "session_hash": "a"}, 404, "There is no function 9999."),
        ("/queue/join", {"data": [], "fn_index": "a", "session_hash": "a"}, 404, "There is no function 'a'."),
        ("/queue/join", {"data": [], "session_hash": "a"}, 404, "There is no function None."),
        ("/queue/join", {"data": [], "fn_index": 0, "session_hash": ENDLESS}, 400, "'session_hash' is 'xxx"),
        ("/queue/join", {"data": [], "fn_index": 0, "session_hash": "a", "batched": True}, 400, "No function accepts batches."),
        ("/call/v2/generate", {"sed": 1}, 400, "There is no argument 'sed'; there are: seed, faces"),
        (
            "/component_server",
            {"data": 1, "component_id": 99999, "fn_name": "preview", "session_hash": "a"},
            404,
            "no function",
        ),
        ("/component_server", {"data": 1, "component_id": 1, "fn_name": "__init__", "session_hash": "a"}, 404, "no function"),
        ("/cancel", {"session_hash": ENDLESS, "fn_index": ENDLESS}, 400, "check: body.event_id, body.fn_index."),
    ],
)
def test_a_call_of_a_wrong_form_is_one_sentence(visitor, path, body, status, words):
    assert words in sentence(send(visitor(), path, body), status)


@pytest.mark.parametrize(
    "function, event, words",
    [
        ("select", None, "'event_data' is None, but must be an object that says what was chosen."),
        ("select", {"value": 1}, "'index' of 'event_data' is None, but must be a whole number."),
        ("act", {"index": "0", "action": "left"}, "'index' of 'event_data' is '0', but must be a whole number."),
        ("act", {"index": 0}, "'action' of 'event_data' is None, but must be a text."),
        ("move", {"index": 0, "to": True}, "'to' of 'event_data' is True, but must be a whole number."),
        ("pick", {"index": 0, "key": []}, "'key' of 'event_data' is [], but must be a whole number or a number or a text."),
        ("from_event", {"description": {}}, "'description' of 'event_data' is {}, but must be a text."),
        ("act", {"index": 0, "action": "left", "x": {"path": "/etc/passwd"}}, "names a file that was not uploaded."),
    ],
)
def test_what_was_chosen_must_be_told(visitor, demo, function, event, words):
    chosen = next(one for one in demo.fns.values() if one.name == function and one.collects_event_data)
    body = {"data": [control.value for control in chosen.inputs], "fn_index": chosen._id, "session_hash": "a"}
    assert words in sentence(send(visitor(), "/queue/join", body | {"event_data": event}))


@pytest.mark.parametrize(
    "function, event, words",
    [
        ("select", {"index": 3, "value": ""}, "There is no face 4 any more; there are 0. Load the page again."),
        ("act", {"index": -4, "action": "left"}, "There is no face -3 any more; there are 3."),
        ("from_event", {"description": "{"}, "The description is damaged."),
        ("send", {}, "There is no face yet; click Generate."),
        ("from_file", {}, "No file was given."),
    ],
)
def test_a_page_that_the_server_has_forgotten_is_told_so(visitor, demo, function, event, words):
    called = next(one for one in demo.fns.values() if one.name == function)
    body = {"data": [getattr(one, "value", None) for one in called.inputs], "fn_index": called._id, "session_hash": function}
    client = visitor()
    assert send(client, "/queue/join", body | {"event_data": event}).status_code == 200
    lines = client.get("/queue/data", params={"session_hash": function}).text.splitlines()
    (done,) = [json.loads(line.removeprefix("data: ")) for line in lines if "process_completed" in line]
    assert words in done["output"]["error"]


def test_a_radio_without_a_choice_is_refused(visitor, demo):
    called = next(one for one in demo.fns.values() if one.name == "one_file")
    body = {"data": [getattr(one, "value", None) for one in called.inputs], "fn_index": called._id, "session_hash": "radio"}
    body["data"][[one.elem_id for one in called.inputs].index("download-size")] = None
    *_, told = sentence(send(visitor(), "/queue/join", body), 422)
    assert told["message"] == "Size of files is None, but must be one of: 0, 256, 512, 1024, 2048."


def test_by_name_arguments_may_be_left_out(visitor):
    assert "event_id" in send(visitor(), "/call/v2/generate", {"seed": 3}).json()
    (told,) = sentence(send(visitor(), "/call/v2/generate", {"seed": "x"}), 422)
    assert told["message"] == "seed is 'x', but must be a number from 0 to 4294967295."


def test_what_the_page_calls_without_the_queue_is_still_answered(visitor, demo):
    (number,) = [function._id for function in demo.fns.values() if function.name == "<lambda>" and not function.inputs]
    body = {"data": [], "fn_index": number, "session_hash": "page"}
    assert send(visitor(), "/run/predict", body).json()["data"] == [True]
    assert "There is no function 9999." in sentence(send(visitor(), "/run/predict", body | {"fn_index": 9999}), 404)


def test_the_client_for_python_shows_the_sentence(demo):
    with pytest.raises(ValidationError, match=r"psi is 'wild', but must be a number from 0 to 1\.5\."):
        Client(demo.local_url, verbose=False).predict(psi="wild", api_name="/generate")


def test_a_long_address_is_not_sent_back(visitor):
    assert len(sentence(visitor().get(f"/file={ENDLESS}"), 403)) <= 300
    assert "query.session_hash" in sentence(visitor().get(f"/queue/data?x={ENDLESS}"))


@pytest.mark.parametrize("path", ["/call/generate", "/queue/join", "/component_server", "/cancel", "/mcp/", "/run/generate"])
def test_a_body_that_is_too_large_is_not_read(visitor, path):
    """By what it says of itself, without the body; and as it comes, where it says nothing."""
    client = visitor()
    declared = http.client.HTTPConnection("127.0.0.1", client.base_url.port, timeout=60)
    declared.putrequest("POST", f"/gradio_api{path}")
    declared.putheader("content-length", "200000000")
    declared.endheaders()
    answer = declared.getresponse()
    assert (answer.status, "the limit is 1,000,000 bytes" in answer.read().decode()) == (413, True)
    declared.close()
    assert "the limit is 1,000,000 bytes" in sentence(client.post(path, content=(b" " * 100_000 for _ in range(11))), 413)


def test_an_upload_has_a_limit_as_a_whole(visitor):
    files = [("files", (f"{index}.png", b"x" * 2_000_000)) for index in range(6)]
    assert "too large" in sentence(visitor().post("/upload", files=files), 413)
    assert visitor().post("/upload", files=files[:2]).status_code == 200


@pytest.mark.parametrize("meta", [{"_type": "gradio.FileData"}, {}])
@pytest.mark.parametrize("scheme", ["http", "https", "HTTP", "ftp"])
def test_no_address_is_fetched(visitor, demo, monkeypatch, scheme, meta):
    fetched = []

    async def download(url, folder):
        fetched.append(url)
        return url

    monkeypatch.setattr(processing_utils, "async_ssrf_protected_download", download)
    client, address = visitor(), f"{scheme}://example.com/x.png"
    file = {"path": address, "meta": meta}
    unqueued = [function.api_name for function in demo.fns.values() if function.fn and not function.queue]
    bodies = [("/call/restore", [file]), ("/call/generate", [[{"a": file}], *GOOD["generate"][1:]])]
    for path, data in bodies + [(f"/run/{name}", [file]) for name in unqueued]:
        assert f"does not fetch '{address}'" in sentence(send(client, path, {"data": data}))
    assert client.get(f"/file={address}").status_code == 403
    assert fetched == []


@pytest.mark.parametrize(
    "path", ["monitoring", "monitoring/summary", "monitoring/x", "gradio_api/runs", "gradio_api/deep_link?session_hash=a"]
)
def test_what_the_studio_has_no_use_for_is_closed(visitor, demo, path):
    assert visitor().get(f"{demo.local_url}{path}").status_code == 403


@pytest.mark.parametrize(
    "wish",
    [
        *(None, 3, "x", [], {}, {"checkpoint": "tiny-dcgan", "character": 3}),
        *({"checkpoint": name, "character": {"seed": 1}} for name in ([], ENDLESS)),
    ],
)
@pytest.mark.parametrize(
    "component, function", [("portrait", "preview"), ("mix-portrait", "preview"), ("history", "thumbnail")]
)
def test_a_component_asked_for_nonsense_says_so(visitor, demo, component, function, wish):
    number = next(block._id for block in demo.blocks.values() if block.elem_id == component)
    body = dict(data=wish, component_id=number, fn_name=function, session_hash="a")
    assert sentence(send(visitor(), "/component_server", body)).endswith(".")
