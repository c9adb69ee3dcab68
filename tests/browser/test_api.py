"""The public endpoints as another program calls them."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError, ValidationError
from mcp import ClientSession
from mcp.client.streamable_http import streamablehttp_client
from PIL import Image

from animegen_core.character import Animation, Character
from animegen_core.images import read_description
from animegen_core.studio import read_character, read_described


@pytest.fixture(scope="module")
def client(app_url, tmp_path_factory):
    return Client(app_url, verbose=False, download_files=str(tmp_path_factory.mktemp("downloads")))


def test_generate_returns_the_faces_of_consecutive_seeds(client, studios):
    drawn = client.predict(seed=41, faces=2, api_name="/generate")
    described = [read_character(read_description(face["image"])) for face in drawn]
    assert [character for _, character in described] == [Character(41), Character(42)]
    with Image.open(drawn[1]["image"]) as picture:
        assert picture.tobytes() == studios.get(described[1][0]).render(Character(42)).tobytes()


def test_generate_takes_colours_and_another_checkpoint(client):
    (drawn,) = client.predict(seed=5, hair="pink", psi=0.9, checkpoint="tiny-conditional-dcgan", api_name="/generate")
    found = read_character(read_description(drawn["image"]))
    assert found == ("tiny-conditional-dcgan", Character(5, hair="pink", psi=0.9))


def test_steer_takes_words_recolouring_and_sliders(client):
    steering = dict(words="pink hair, green eyes, very big eyes", eyes="red", recolour_hair="blue", sliders="tilt=-0.5")
    drawn = client.predict(seed=5, psi=0.7, checkpoint="stylegan2-64", api_name="/steer", **steering)
    expected = Character(5, "pink", "red", 0.7, recolour_hair="blue", sliders={"eye size": 1, "tilt": -0.5})
    assert read_character(read_description(drawn)) == ("stylegan2-64", expected)


@pytest.mark.parametrize("kind", ["gif", "webp", "mp4"])
def test_animate_returns_a_film(client, kind):
    file = client.predict(seeds="3,7", frames=8, fps=10, format=kind, api_name="/animate")
    assert file.endswith(kind)
    assert read_described(read_description(file))[1] == Animation((Character(3), Character(7)), frames=8, fps=10)


def test_mix_returns_a_face_of_three(client):
    file = client.predict(coarse=1, middle=2, fine=3, checkpoint="tiny-stylegan2", api_name="/mix")
    assert read_character(read_description(file))[1] == Character(1, middle=2, fine=3)


def test_invert_returns_the_face_nearest_to_a_picture(client, studios, draw, tmp_path):
    draw(1).save(tmp_path / "mine.png")
    upload = handle_file(str(tmp_path / "mine.png"))
    file = client.predict(file=upload, steps=2, size=64, checkpoint="tiny-stylegan2", api_name="/invert")
    name, who = read_character(read_description(file))
    studio = studios.get(name)
    assert who == studio.invert(tmp_path / "mine.png", 2)
    with Image.open(file) as picture:
        assert picture.tobytes() == studio.render(who, 64).tobytes()


def test_restore_returns_what_a_file_carries(client):
    (drawn,) = client.predict(seed=9, api_name="/generate")
    found = client.predict(file=handle_file(drawn["image"]), api_name="/restore")
    assert found["checkpoint"] == "dcgan-64"
    assert found["character"] == {"seed": 9}


@pytest.mark.parametrize(
    "endpoint, arguments",
    [
        ("generate", dict(seed=-1)),
        ("generate", dict(seed=2**32)),
        ("generate", dict(faces=101)),
        ("generate", dict(checkpoint="/etc")),
        ("animate", dict(seeds="3")),
        ("animate", dict(frames=241)),
        ("mix", dict(crossovers="5,64", checkpoint="tiny-stylegan2")),
    ],
)
def test_a_request_out_of_range_is_refused_with_the_value(client, endpoint, arguments):
    with pytest.raises((AppError, ValidationError), match=r"101|-1|4294967296|/etc|not 1|241|5, 64"):
        client.predict(**arguments, api_name=f"/{endpoint}")


def test_what_the_checkpoint_cannot_do_names_one_that_can(client):
    with pytest.raises(AppError, match="Checkpoint 'dcgan-64' has no styles to mix"):
        client.predict(coarse=1, middle=2, fine=3, api_name="/mix")


def test_the_public_endpoints_are_documented(client):
    endpoints = client.view_api(return_format="dict")["named_endpoints"]
    assert set(endpoints) == {"/generate", "/steer", "/animate", "/mix", "/invert", "/restore"}
    assert all(endpoint["description"] for endpoint in endpoints.values())


def test_the_endpoints_are_tools_for_assistants(app_url):
    """Through the protocol's own client, in a thread without the browser's event loop."""

    async def ask():
        async with (
            streamablehttp_client(f"{app_url}gradio_api/mcp/") as (read, write, _),
            ClientSession(read, write) as session,
        ):
            await session.initialize()
            return (await session.list_tools()).tools

    with ThreadPoolExecutor(1) as thread:
        tools = {tool.name: tool for tool in thread.submit(lambda: asyncio.run(ask())).result()}
    names = {name.rsplit("_", 1)[-1] for name in tools}
    assert names == {"generate", "steer", "animate", "invert", "mix", "restore"}
    assert all(tool.description for tool in tools.values())
