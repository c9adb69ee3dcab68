import json
import shutil
from pathlib import Path

import pytest
import torch
import typer
from hub_stub import TOKEN, HubStub
from huggingface_hub import ModelCard, PyTorchModelHubMixin, constants
from PIL import Image
from typer.testing import CliRunner

from animegen_core import Character, Studio
from animegen_core.checkpoint import load_checkpoint, save_checkpoint
from animegen_core.commands import hub as hub_command
from animegen_core.commands.errors import ExitOnError
from animegen_core.errors import AnimeGenError
from animegen_core.hub import HubName, pull, push
from animegen_core.models.dcgan import Generator
from animegen_core.studio import read_described

REPO = "me/faces"
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")  # the client's own way of uploading


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """A Hub of this test's own, to whose client nothing of this computer is known: no token, an empty cache."""
    stub = HubStub()
    monkeypatch.setattr(constants, "ENDPOINT", stub.endpoint)
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", stub.endpoint + "/{repo_id}/resolve/{revision}/{filename}")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "token"))
    for variable in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HF_OIDC_RESOURCE"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    yield stub
    stub.switch_off()


@pytest.fixture
def published(hub, tiny_checkpoint):
    """The Hub, with the tiny checkpoint and things that nobody may fetch."""
    files = {path.name: path.read_bytes() for path in tiny_checkpoint.iterdir()}
    hub.put(REPO, files | {"pytorch_model.bin": b"a pickle", "evil.py": b"raise SystemExit", "data.csv": b"1,2"})
    return hub


@pytest.fixture
def logged_in(monkeypatch):
    monkeypatch.setenv("HF_TOKEN", TOKEN)


def refused(call, *arguments, **named):
    with pytest.raises(AnimeGenError) as error:
        call(*arguments, **named)
    assert "\n" not in str(error.value)
    return str(error.value)


def same_weights(a, b):
    a, b = a.generator.state_dict(), b.generator.state_dict()
    return a.keys() == b.keys() and all(torch.equal(a[key], b[key]) for key in a)


@pytest.mark.parametrize(
    "text, name",
    [
        ("a/b", HubName("a/b", None)),
        ("some-one/faces_64.v2@main", HubName("some-one/faces_64.v2", "main")),
        ("a/b@refs/pr/1", HubName("a/b", "refs/pr/1")),
        ("a/b@" + "0" * 40, HubName("a/b", "0" * 40)),
    ],
)
def test_names_on_the_hub(text, name):
    assert HubName.parse(text) == name
    assert str(name) == text


NO_NAMES = [
    "word",
    "",
    "a/b/c",
    "/a/b",
    "../b",
    "./b",
    "a/..",
    "a--b/c",
    "a/b.git",
    "a/b@",
    "a/b@../../x",
    "a/b@x..y",
    "a/b@x/",
]
NO_NAMES += ["a/b@@x", "a b/c", "ä/b", "a/b\n", "a/b@-x", "a/" + "b" * 97, "a/b@" + "x" * 200, "https://host/a/b", "a\\b/c\0"]


@pytest.mark.parametrize("text", NO_NAMES)
def test_no_names_on_the_hub(published, text):
    assert HubName.parse(text) is None
    assert "write user/repo or user/repo@revision" in refused(pull, text)
    assert "Unknown checkpoint" in refused(load_checkpoint, text)
    assert published.requests == []


def test_a_checkpoint_is_loaded_from_the_hub_under_its_name(published, tiny_checkpoint):
    loaded, local = load_checkpoint(REPO), load_checkpoint(tiny_checkpoint)
    assert (loaded.name, loaded.hash) == (REPO, local.hash)
    assert same_weights(loaded, local)
    assert loaded.info() == local.info() | {"name": REPO}


def test_nothing_but_config_weights_and_card_is_fetched(published):
    folder = pull(REPO)
    assert sorted(path.name for path in folder.iterdir()) == ["README.md", "config.json", "model.safetensors"]
    assert not any("pytorch_model" in line or "evil" in line or "data.csv" in line for line in published.requests)


def test_a_saved_picture_finds_its_checkpoint_on_the_hub_again(published):
    name = f"{REPO}@main"
    studio = Studio.load(name, "cpu")
    description = studio.describe(Character(seed=3))
    found, character = read_described(description)
    assert found == name
    assert Studio.load(found, "cpu").render(character).tobytes() == studio.render(Character(seed=3)).tobytes()


def test_a_cached_branch_serves_without_the_network_until_it_is_pulled(published, tiny_checkpoint, tmp_path):
    first = load_checkpoint(REPO)
    asked = len(published.requests)
    newer = save_checkpoint(tmp_path / "newer", "dcgan", Generator(8, 4), 9999, "more blobs", "mit")
    published.put_folder(REPO, newer)
    assert load_checkpoint(REPO).hash == first.hash
    assert len(published.requests) == asked
    pull(REPO)
    assert load_checkpoint(REPO).config["images_seen"] == 9999
    published.switch_off()
    assert load_checkpoint(REPO).hash == load_checkpoint(newer).hash


@pytest.mark.parametrize("revision", ["", "@main", "@try", "@refs/pr/1", "@commit"])
def test_what_was_pulled_serves_with_the_hub_switched_off(published, tiny_checkpoint, revision):
    for branch in ("try", "refs/pr/1"):
        commit = published.put_folder(REPO, tiny_checkpoint, branch)
    name = REPO + revision.replace("commit", commit)
    folder = pull(name)
    published.switch_off()
    loaded = load_checkpoint(name)
    assert loaded.path == folder
    assert loaded.name == name


def test_the_cached_copy_of_a_full_commit_never_asks_the_hub(published, tiny_checkpoint):
    name = f"{REPO}@{published.put_folder(REPO, tiny_checkpoint)}"
    load_checkpoint(name)
    asked = len(published.requests)
    load_checkpoint(name)
    assert len(published.requests) == asked


def test_an_interrupted_download_is_gone_on_with(published, tiny_checkpoint):
    folder = pull(REPO)
    (folder / "model.safetensors").unlink()
    assert same_weights(load_checkpoint(REPO), load_checkpoint(tiny_checkpoint))


def test_shards_on_the_hub(hub, tmp_path):
    generator = Generator(latent_dim=8, base_channels=4).eval()
    folder = save_checkpoint(tmp_path / "shards", "dcgan", generator, 0, "nothing", "mit", shard_size="5KB")
    hub.put_folder(REPO, folder)
    assert same_weights(load_checkpoint(REPO), load_checkpoint(folder))
    hub.switch_off()
    assert load_checkpoint(REPO).hash == load_checkpoint(folder).hash


def test_a_missing_shard_on_the_hub_is_told(hub, tmp_path):
    folder = save_checkpoint(tmp_path / "shards", "dcgan", Generator(8, 4), 0, "nothing", "mit", shard_size="5KB")
    missing = sorted(folder.glob("model-*"))[-1]
    missing.unlink()
    hub.put_folder(REPO, folder)
    assert refused(load_checkpoint, REPO) == (
        f"Checkpoint '{REPO}' has no {missing.name}, which its model.safetensors.index.json lists."
    )


def test_a_folder_of_this_computer_goes_before_the_hub(published, tiny_checkpoint, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.copytree(tiny_checkpoint, tmp_path / "me" / "faces")
    assert load_checkpoint(REPO).path == tmp_path / "me" / "faces"
    shutil.rmtree(tmp_path / "me" / "faces")
    (tmp_path / "me" / "faces").mkdir()  # a run without a checkpoint yet: not what is on the Hub under that name
    assert "Unknown checkpoint" in refused(load_checkpoint, REPO)
    assert published.requests == []


def test_a_stranger_reaches_no_folder_of_this_computer(published, tiny_checkpoint, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.copytree(tiny_checkpoint, tmp_path / "me" / "other")
    shutil.copytree(tiny_checkpoint, tmp_path / "bundled" / "mine")
    monkeypatch.setattr("animegen_core.checkpoint.format.BUNDLED", tmp_path / "bundled")
    for name in (str(tiny_checkpoint), "./me/other", "bundled/../me/other", "../me/other", "..", "."):
        assert "give user/repo[@revision] on" in refused(load_checkpoint, name, local_folders=False)
    assert "no model 'me/other' on the Hugging Face Hub" in refused(load_checkpoint, "me/other", local_folders=False)
    assert load_checkpoint("mine", local_folders=False).name == "mine"
    assert load_checkpoint(REPO, local_folders=False).name == REPO


def test_a_single_word_and_a_path_are_never_looked_up(published, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert "Unknown checkpoint 'faces'; bundled are: " in refused(load_checkpoint, "faces")
    assert "Unknown checkpoint" in refused(load_checkpoint, Path(REPO))
    assert published.requests == []


def test_no_network_is_told(published):
    published.switch_off()
    assert refused(load_checkpoint, REPO) == (
        f"The Hugging Face Hub cannot be reached (no network, or it is down); '{REPO}' is not on this computer either."
    )


def test_offline_mode_is_told(published, monkeypatch):
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert "cannot be reached (HF_HUB_OFFLINE is set)" in refused(load_checkpoint, REPO)


def test_a_pull_without_network_leaves_the_copy(published):
    pull(REPO)
    published.switch_off()
    assert refused(pull, REPO).endswith("the copy on this computer is unchanged.")
    assert load_checkpoint(REPO).name == REPO


def test_an_unknown_repository_is_told(hub):
    assert refused(load_checkpoint, "me/nothing").startswith("There is no model 'me/nothing' on the Hugging Face Hub, or it ")


@pytest.mark.parametrize("revision", ["nowhere", "f" * 40])
def test_an_unknown_revision_is_told(published, revision):
    assert refused(load_checkpoint, f"{REPO}@{revision}") == f"'{REPO}' on the Hugging Face Hub has no revision '{revision}'."


def test_a_gated_repository_is_told(published):
    published.gated.add(REPO)
    assert refused(load_checkpoint, REPO).startswith(f"Request access to '{REPO}' on its page")


@pytest.mark.parametrize(
    "config, reason",
    [
        (None, "it has no config.json"),
        (b'{"model_type": "llama"}', "its config.json is of another program"),
        (b"[1, 2]", "its config.json is of another program"),
        (b'{"family": 3}', "its config.json is of another program"),
    ],
)
def test_a_foreign_repository_is_told_before_its_weights_are_fetched(hub, config, reason):
    files = {"config.json": config, "model.safetensors": b"weights of something else"}
    hub.put(REPO, {name: data for name, data in files.items() if data is not None})
    assert refused(load_checkpoint, REPO) == f"'{REPO}' on the Hugging Face Hub is not an AnimeGen model: {reason}."
    assert not any(line.endswith("model.safetensors") for line in hub.requests)


def test_a_repository_with_a_pickle_instead_of_weights_is_told(hub, tiny_checkpoint):
    hub.put(REPO, {"config.json": (tiny_checkpoint / "config.json").read_bytes(), "pytorch_model.bin": b"pickle"})
    assert refused(load_checkpoint, REPO).endswith("is not an AnimeGen model: it has no model.safetensors.")


@pytest.mark.parametrize("file", ["config.json", "README.md", "model.safetensors"])
def test_files_of_absurd_size_are_not_fetched(published, file):
    published.sizes[file] = 10**12
    assert refused(load_checkpoint, REPO).startswith(f"{file} of '{REPO}' has 1,000,000,000,000 bytes, more than ")
    assert not any("/resolve/" in line for line in published.requests)


def test_many_shards_of_absurd_size_are_not_fetched(hub):
    hub.put(REPO, {"config.json": b"{}"} | {f"model-{n:05d}-of-00009.safetensors": b"" for n in range(1, 10)})
    hub.sizes |= dict.fromkeys(hub.files(REPO), 2**20) | {f"model-{n:05d}-of-00009.safetensors": 2**29 for n in range(1, 10)}
    assert "The weights of 'me/faces' are larger than" in refused(load_checkpoint, REPO)


def test_a_config_that_asks_for_an_absurd_size_is_told_with_the_repositorys_name(published):
    config = json.loads(published.files(REPO)["config.json"]) | {"generator": {"latent_dim": 4096, "base_channels": 4096}}
    published.put(REPO, published.files(REPO) | {"config.json": json.dumps(config).encode()})
    assert refused(load_checkpoint, REPO).startswith(f"{REPO}/config.json has ")


def test_weights_that_are_not_the_configs_are_told_with_the_repositorys_name(published):
    published.put(REPO, published.files(REPO) | {"model.safetensors": b"not weights at all, by no means"})
    assert refused(load_checkpoint, REPO).startswith(f"{REPO}/model.safetensors does not match its config.json: ")


def test_what_is_pushed_can_be_pulled(hub, logged_in, tiny_checkpoint, tmp_path):
    folder = shutil.copytree(tiny_checkpoint, tmp_path / "tiny")
    Image.new("RGB", (8, 8)).save(folder / "samples.png")
    (folder / "secret.txt").write_text("mine")
    (folder / "directions.safetensors").write_bytes(b"sliders")
    url = push(folder, REPO)
    assert url == f"{hub.endpoint}/{REPO}/commit/{hub.branches[REPO]['main']}"
    files = hub.files(REPO)
    assert sorted(files) == ["README.md", "config.json", "directions.safetensors", "model.safetensors", "samples.png"]
    assert files["model.safetensors"] == (folder / "model.safetensors").read_bytes()
    loaded = load_checkpoint(REPO)
    assert loaded.hash == load_checkpoint(folder).hash
    assert (loaded.path / "directions.safetensors").read_bytes() == b"sliders"
    assert not hub.private[REPO]


def test_a_pushed_card_says_what_the_config_says(hub, logged_in, tiny_checkpoint):
    push(tiny_checkpoint, REPO)
    card = ModelCard(hub.files(REPO)["README.md"].decode())
    assert card.data.to_dict() == {
        "license": "mit",
        "library_name": "animegen",
        "pipeline_tag": "unconditional-image-generation",
        "tags": ["animegen", "gan", "anime", "dcgan"],
    }
    for words in ("# faces", "coloured blobs", "1,234", "latent_dim 8", f'Studio.load("{REPO}")'):
        assert words in card.text


@pytest.mark.parametrize(
    "front_matter", ["", "---\nlicense: cc0-1.0\ntags:\n- anime\n- mine\nlanguage: ja\npipeline_tag: other\n---\n"]
)
def test_a_persons_card_is_kept_and_its_front_matter_completed(hub, logged_in, tiny_checkpoint, tmp_path, front_matter):
    folder = shutil.copytree(tiny_checkpoint, tmp_path / "tiny")
    (folder / "README.md").write_text(front_matter + "# Mine\n\nOwn words: drawn by nobody.\n")
    push(folder, REPO)
    card = ModelCard(hub.files(REPO)["README.md"].decode())
    assert card.text.strip() == "# Mine\n\nOwn words: drawn by nobody."
    assert card.data.library_name == "animegen"
    if front_matter:
        assert (card.data.license, card.data.language, card.data.pipeline_tag) == ("cc0-1.0", "ja", "other")
        assert "tags:\n- anime\n- mine\n- animegen\n- gan\n- dcgan\n" in hub.files(REPO)["README.md"].decode()
    else:
        assert (card.data.license, card.data.pipeline_tag) == ("mit", "unconditional-image-generation")
        assert card.data.tags == ["animegen", "gan", "anime", "dcgan"]
    assert (folder / "README.md").read_text().startswith(front_matter + "# Mine")


def test_a_card_with_a_broken_front_matter_is_told(hub, logged_in, tiny_checkpoint, tmp_path):
    folder = shutil.copytree(tiny_checkpoint, tmp_path / "tiny")
    (folder / "README.md").write_text("---\nlicense: [mit\n---\n# Mine\n")
    assert "front matter of README.md is not readable YAML" in refused(push, folder, REPO)
    assert hub.requests == []


def test_a_licence_in_a_persons_words_becomes_other(hub, logged_in, tmp_path):
    folder = save_checkpoint(tmp_path / "mine", "dcgan", Generator(8, 4), 0, "nothing", "Ask me: first\nfoo: bar")
    push(folder, REPO)
    card = ModelCard(hub.files(REPO)["README.md"].decode())
    assert (card.data.license, card.data.license_name) == ("other", "Ask me: first\nfoo: bar")
    assert card.data.get("foo") is None


def test_a_push_replaces_the_weights_of_another_layout(hub, logged_in, tiny_checkpoint, tmp_path):
    generator = load_checkpoint(tiny_checkpoint).generator
    shards = save_checkpoint(tmp_path / "shards", "dcgan", generator, 0, "nothing", "mit", shard_size="5KB")
    push(tiny_checkpoint, REPO)
    push(shards, REPO)
    index = ["model.safetensors.index.json"]
    assert sorted(hub.files(REPO)) == sorted(["README.md", "config.json", *index, *(p.name for p in shards.glob("model-*"))])
    assert load_checkpoint(REPO).hash == load_checkpoint(shards).hash
    push(tiny_checkpoint, REPO)
    assert sorted(hub.files(REPO)) == ["README.md", "config.json", "model.safetensors"]


def test_push_to_a_branch_and_with_a_message(hub, logged_in, tiny_checkpoint):
    push(tiny_checkpoint, REPO)
    main = hub.branches[REPO]["main"]
    push(tiny_checkpoint, f"{REPO}@try", message="Second thoughts")
    assert hub.branches[REPO]["main"] == main != hub.branches[REPO]["try"]
    assert load_checkpoint(f"{REPO}@try").hash == load_checkpoint(tiny_checkpoint).hash


def test_private_repositories(hub, logged_in, tiny_checkpoint):
    push(tiny_checkpoint, REPO, private=True)
    assert hub.private[REPO]
    push(tiny_checkpoint, "me/open")
    before = hub.branches["me/open"]["main"]
    assert refused(push, tiny_checkpoint, "me/open", private=True).startswith("'me/open' is public already")
    assert hub.branches["me/open"]["main"] == before


def test_push_without_a_login_is_told(hub, tiny_checkpoint):
    assert refused(push, tiny_checkpoint, REPO) == "Nobody is logged in to the Hugging Face Hub; log in with: hf auth login"
    assert hub.requests == []


def test_push_with_an_unknown_token_is_told(hub, tiny_checkpoint, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_of_long_ago")
    assert "rejects the current token" in refused(push, tiny_checkpoint, REPO)


def test_push_without_permission_is_told(hub, logged_in, tiny_checkpoint):
    assert "no permission for 'you/faces'" in refused(push, tiny_checkpoint, "you/faces")


def test_push_without_network_is_told(hub, logged_in, tiny_checkpoint):
    hub.switch_off()
    assert refused(push, tiny_checkpoint, REPO).endswith("; nothing was published.")


def test_a_card_that_the_hub_refuses_is_told(hub, logged_in, tiny_checkpoint, tmp_path):
    folder = shutil.copytree(tiny_checkpoint, tmp_path / "tiny")
    (folder / "README.md").write_text("---\nlicense: unheard-of\n---\n# Mine\n")
    assert "license must be one of those known" in refused(push, folder, REPO)


def test_a_damaged_checkpoint_is_not_pushed(hub, logged_in, tiny_checkpoint, tmp_path):
    folder = shutil.copytree(tiny_checkpoint, tmp_path / "tiny")
    (folder / "model.safetensors").write_bytes(b"")
    assert "does not match" in refused(push, folder, REPO)
    assert hub.requests == []


def test_a_pushed_checkpoint_is_of_the_layout_of_the_hubs_own_mixin(hub, logged_in, tiny_checkpoint):
    class Hubbed(Generator, PyTorchModelHubMixin):
        pass

    push(tiny_checkpoint, REPO)
    network = Hubbed.from_pretrained(str(pull(REPO)), latent_dim=8, base_channels=4, strict=True)
    expected = load_checkpoint(tiny_checkpoint).generator.state_dict()
    assert all(torch.equal(value, expected[key]) for key, value in network.state_dict().items())


@pytest.fixture
def commands():
    app = typer.Typer(cls=ExitOnError)
    app.command()(hub_command.push)
    app.command()(hub_command.pull)
    return lambda *arguments: CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_the_commands(hub, logged_in, tiny_checkpoint, commands):
    pushed = commands("push", tiny_checkpoint, REPO, "--private")
    assert (pushed.exit_code, pushed.stdout.strip()) == (0, f"{hub.endpoint}/{REPO}/commit/{hub.branches[REPO]['main']}")
    assert hub.private[REPO]
    pulled = commands("pull", REPO)
    assert pulled.exit_code == 0
    assert load_checkpoint(pulled.stdout.strip()).hash == load_checkpoint(tiny_checkpoint).hash


def test_the_commands_fail_in_one_sentence(hub, tiny_checkpoint, commands):
    for arguments in (("pull", "me/nothing"), ("pull", "faces"), ("push", tiny_checkpoint, REPO), ("push", "nothing", REPO)):
        result = commands(*arguments)
        assert result.exit_code == 2
        assert len(result.stderr.splitlines()) == 1
        assert result.stderr.startswith("Error: ")


def test_a_strangers_name_is_looked_up_without_the_token_of_this_computer(published, logged_in):
    Studio.load(REPO, "cpu", local_folders=False)
    assert published.tokens == {""}
    Studio.load(REPO, "cpu", local_folders=False)  # which is cached by now
    assert published.tokens == {""}


def test_a_stranger_is_not_shown_a_private_model_fetched_by_its_owner(published, logged_in):
    published.private[REPO] = True
    assert "There is no model 'me/faces'" in refused(Studio.load, REPO, "cpu", local_folders=False)
    Studio.load(REPO, "cpu")
    assert "There is no model 'me/faces'" in refused(Studio.load, REPO, "cpu", local_folders=False)


def test_without_a_network_strangers_get_what_everybody_could_read_and_no_more(published, logged_in):
    published.put("me/secret", published.files(REPO))
    published.private["me/secret"] = True
    for name in (REPO, "me/secret"):
        Studio.load(name, "cpu")  # by its owner
    published.switch_off()
    assert Studio.load(REPO, "cpu", local_folders=False).checkpoint.name == REPO
    told = refused(Studio.load, "me/secret", "cpu", local_folders=False)
    assert told.startswith("The Hugging Face Hub cannot be reached")
    assert told.endswith("it is unknown whether everybody may read 'me/secret'.")


def test_without_a_network_strangers_do_not_get_what_was_made_private(published, logged_in):
    Studio.load(REPO, "cpu", local_folders=False)
    published.private[REPO] = True
    refused(Studio.load, REPO, "cpu", local_folders=False)
    published.switch_off()
    assert "cannot be reached" in refused(Studio.load, REPO, "cpu", local_folders=False)


def test_a_stranger_is_not_shown_a_gated_model_fetched_by_its_owner(published, logged_in):
    Studio.load(REPO, "cpu")
    published.gated.add(REPO)
    assert "'me/faces' on the Hugging Face Hub is not public" in refused(Studio.load, REPO, "cpu", local_folders=False)
    published.switch_off()
    assert "cannot be reached" in refused(Studio.load, REPO, "cpu", local_folders=False)


def test_a_public_model_serves_strangers_without_a_network(published):
    Studio.load(REPO, "cpu", local_folders=False)
    published.switch_off()
    assert Studio.load(REPO, "cpu", local_folders=False).checkpoint.name == REPO
