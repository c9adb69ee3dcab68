import re
import runpy
from pathlib import Path

import pytest

from animegen_core.checkpoint import DEFAULT_CHECKPOINT, bundled_names
from animegen_core.errors import AnimeGenError
from animegen_core.ui.settings import Settings, read_command_line

ROOT = Path(__file__).parents[1]
SPACE = {"SPACE_ID": "me/faces", "SYSTEM": "spaces"}


def test_at_home_everything_is_on_and_the_default_checkpoint_is_a_bundled_one():
    settings = Settings.from_environment({})
    assert settings == Settings()
    assert (settings.hub, settings.vote, settings.device) == (True, True, None)
    assert settings.checkpoint == DEFAULT_CHECKPOINT
    assert DEFAULT_CHECKPOINT in bundled_names()


def test_on_a_space_strangers_neither_name_repositories_nor_vote():
    settings = Settings.from_environment(SPACE)
    assert (settings.hub, settings.vote, settings.device) == (False, False, None)


def test_forwarded_addresses_are_believed_of_this_computer_and_on_a_space_of_its_proxy():
    assert Settings.from_environment({}).proxies == "127.0.0.1,::1"
    assert Settings.from_environment(SPACE).proxies.startswith("127.0.0.1,::1,10.0.0.0/8,")
    assert Settings.from_environment(SPACE | {"FORWARDED_ALLOW_IPS": "*"}).proxies == "*"


@pytest.mark.parametrize("value", ["proxy", "10.0.0.0/33", "10.0.0.1/8", "*,10.0.0.1", "10.0.0.1,"])
def test_a_proxy_without_an_address_is_refused(value):
    with pytest.raises(AnimeGenError, match=r"^FORWARDED_ALLOW_IPS has '.*', but must have addresses or networks"):
        Settings.from_environment({"FORWARDED_ALLOW_IPS": value})


def test_on_zerogpu_faces_are_drawn_on_the_cpu():
    assert Settings.from_environment(SPACE | {"SPACES_ZERO_GPU": "true"}).device == "cpu"
    assert Settings.from_environment(SPACE | {"SPACES_ZERO_GPU": "false"}).device is None


def test_every_setting_can_be_given():
    given = {"ANIMEGEN_CHECKPOINT": "me/faces", "ANIMEGEN_QUEUE": "7", "ANIMEGEN_HUB": "on", "ANIMEGEN_VOTE": "Yes"}
    given["FORWARDED_ALLOW_IPS"] = proxies = "192.0.2.7, 2001:db8::/32"
    assert Settings.from_environment(SPACE | given) == Settings("me/faces", 7, True, True, proxies)
    off = Settings.from_environment({"ANIMEGEN_HUB": "0", "ANIMEGEN_VOTE": "FALSE"})
    assert (off.hub, off.vote) == (False, False)


def test_an_empty_variable_is_one_that_is_not_set():
    names = ("ANIMEGEN_CHECKPOINT", "ANIMEGEN_QUEUE", "ANIMEGEN_HUB", "ANIMEGEN_VOTE", "SPACE_ID", "SPACES_ZERO_GPU")
    assert Settings.from_environment(dict.fromkeys(names, " ")) == Settings()


@pytest.mark.parametrize("name", ["ANIMEGEN_HUB", "ANIMEGEN_VOTE"])
@pytest.mark.parametrize("value", ["maybe", "2", "on off"])
def test_a_switch_that_is_neither_on_nor_off_is_refused(name, value):
    with pytest.raises(AnimeGenError) as error:
        Settings.from_environment({name: value})
    assert str(error.value) == f"{name} is '{value}', but must be on or off."


@pytest.mark.parametrize("value", ["0", "-1", "10001", "many", "1.5", "²", "9" * 5000])
def test_a_queue_that_is_no_number_of_requests_is_refused(value):
    with pytest.raises(AnimeGenError, match=r"^ANIMEGEN_QUEUE is '.*, but must be a whole number from 1 to 10000\.$"):
        Settings.from_environment({"ANIMEGEN_QUEUE": value})


def test_flags_win_over_variables():
    given = {"ANIMEGEN_CHECKPOINT": "me/faces", "ANIMEGEN_QUEUE": "7"}
    settings, port = read_command_line(["--checkpoint", "dcgan-64", "--port", "8123"], given)
    assert (settings.checkpoint, settings.queue, port) == ("dcgan-64", 7, 8123)
    settings, port = read_command_line([], given)
    assert (settings.checkpoint, port) == ("me/faces", None)


@pytest.mark.parametrize("port", ["0", "65536", "high", "-1.5"])
def test_a_port_that_cannot_be_is_quoted(port):
    with pytest.raises(AnimeGenError, match=r"--port is .* whole number from 1 to 65535") as error:
        read_command_line([f"--port={port}"], {})
    assert repr(port) in str(error.value)


def run_app(monkeypatch, *arguments):
    """The exit code of ``python app.py``, which must end by itself."""
    monkeypatch.setattr("sys.argv", ["app.py", *arguments])
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(ROOT / "app.py"), run_name="__main__")
    return ended.value.code


def test_a_bad_setting_is_one_sentence(monkeypatch, capsys):
    monkeypatch.setenv("ANIMEGEN_CHECKPOINT", "nonesuch")
    assert run_app(monkeypatch) == 2
    printed = capsys.readouterr()
    assert printed.out == "" and len(printed.err.splitlines()) == 1
    assert printed.err.startswith("Error: Unknown checkpoint 'nonesuch'; bundled are: ")


def test_help_lists_flags_and_variables_and_starts_nothing(monkeypatch, capsys):
    assert run_app(monkeypatch, "--help") == 0
    printed = capsys.readouterr().out
    wanted = set(re.findall(r"ANIMEGEN_[A-Z_]+", (ROOT / "docs" / "studio.md").read_text(encoding="utf-8")))
    wanted |= {"--port", "--checkpoint", "GRADIO_SERVER_PORT"}
    assert len(wanted) >= 7 and not [name for name in wanted if name not in printed]
