"""The public endpoint as another program calls it."""

import pytest
from gradio_client import Client
from gradio_client.exceptions import AppError
from PIL import Image

from animegen_core.character import Character
from animegen_core.images import read_description
from animegen_core.studio import Studio, read_character


@pytest.fixture(scope="module")
def client(app_url, tmp_path_factory):
    return Client(app_url, verbose=False, download_files=str(tmp_path_factory.mktemp("downloads")))


def test_generate_returns_the_faces_of_consecutive_seeds(client):
    drawn = client.predict(seed=41, faces=2, api_name="/generate")
    described = [read_character(read_description(face["image"])) for face in drawn]
    assert [character for _, character in described] == [Character(41), Character(42)]
    with Image.open(drawn[1]["image"]) as picture:
        assert picture.tobytes() == Studio.load(described[1][0], "cpu").render(Character(42)).tobytes()


@pytest.mark.parametrize("arguments", [dict(seed=-1, faces=1), dict(seed=2**32, faces=1), dict(seed=1, faces=65)])
def test_a_request_out_of_range_is_refused_with_the_value(client, arguments):
    with pytest.raises(AppError, match=r"65|-1|4294967296"):
        client.predict(**arguments, api_name="/generate")


def test_generate_is_the_only_public_endpoint_and_is_documented(client):
    endpoints = client.view_api(return_format="dict")["named_endpoints"]
    assert list(endpoints) == ["/generate"]
    assert "consecutive seeds" in endpoints["/generate"]["description"]
