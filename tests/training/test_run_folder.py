import csv
import json
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from PIL import Image

from animegen_core.errors import AnimeGenError
from animegen_core.training.options import DCGANOptions
from animegen_core.training.run_folder import RunLog, load_options, new_run_folder, read_log, save_options


def row(images: int) -> dict[str, float]:
    return {"images": images, "epoch": 0, "loss_g": images / 10, "loss_d": 0.5, "real_score": 0.7, "fake_score": 0.3}


def write_log(folder, *images: int) -> None:
    log = RunLog(folder, 0)
    for count in images:
        log.add(row(count))
    log.close()


def images_in(path) -> list[float]:
    with path.open(newline="") as stream:
        return [float(line["images"]) for line in csv.DictReader(stream)]


def test_runs_are_numbered_from_zero(tmp_path):
    names = [new_run_folder(tmp_path / "runs", label).name for label in ("dcgan-64", "dcgan-64", "other")]
    assert names == ["00000-dcgan-64", "00001-dcgan-64", "00002-other"]


def test_a_number_is_not_used_again_and_other_files_do_not_count(tmp_path):
    for name in ("00007-dcgan-64", "99-notes", "readme"):
        (tmp_path / name).mkdir()
    assert new_run_folder(tmp_path, "dcgan-64").name == "00008-dcgan-64"


def test_runs_that_start_at_once_get_folders_of_their_own(tmp_path):
    barrier = Barrier(8)

    def start(_):
        barrier.wait()
        return new_run_folder(tmp_path, "dcgan-64").name

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(start, range(8))) == [f"{number:05d}-dcgan-64" for number in range(8)]


def test_options_survive_the_file(tmp_path):
    options = DCGANOptions(kimg=3, latent_dim=50, batch_norm=False)
    save_options(tmp_path, "dcgan", "faces.zip", options)
    loaded = load_options(tmp_path)
    assert (loaded.pop("family"), loaded.pop("data")) == ("dcgan", "faces.zip")
    assert DCGANOptions(**loaded) == options


@pytest.mark.parametrize("text", [None, "", "{", "[]", "3", "{}", '{"family": "dcgan"}'])
def test_a_folder_that_is_no_run_is_told(tmp_path, text):
    if text is not None:
        (tmp_path / "options.json").write_text(text)
    with pytest.raises(AnimeGenError, match="is not a run folder") as error:
        load_options(tmp_path)
    assert str(tmp_path) in str(error.value)


def test_the_log_is_a_csv_with_a_row_per_entry_and_events_for_tensorboard(tmp_path):
    write_log(tmp_path, 4, 8)
    with (tmp_path / "log.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert rows == [{name: str(value) for name, value in row(images).items()} for images in (4, 8)]
    assert len(list(tmp_path.glob("events.*"))) == 1


def test_a_resumed_log_is_cut_back_to_the_state_and_goes_on(tmp_path):
    write_log(tmp_path, 4, 8, 12, 16)
    log = RunLog(tmp_path, 8)
    assert images_in(tmp_path / "log.csv") == [4, 8]
    log.add(row(12))
    log.close()
    assert images_in(tmp_path / "log.csv") == [4, 8, 12]


def test_a_run_resumed_before_its_first_row_starts_a_new_log(tmp_path):
    write_log(tmp_path, 4)
    log = RunLog(tmp_path, 2)
    assert not (tmp_path / "log.csv").exists()
    log.add(row(3))
    log.close()
    assert images_in(tmp_path / "log.csv") == [3]


@pytest.fixture
def quick_snapshots():
    """Here the plot is drawn."""


@pytest.mark.parametrize("cut", [1, 2, 5, 12])
def test_a_half_written_last_row_is_dropped(tmp_path, cut):
    write_log(tmp_path, 4, 8)
    path = tmp_path / "log.csv"
    data = path.read_bytes()
    path.write_bytes(data[: data.rindex(b"8,0") + cut])
    assert [r["images"] for r in read_log(path)] == [4]
    log = RunLog(tmp_path, 100)
    log.add(row(12))
    log.close()
    assert images_in(path) == [4, 12]


def test_a_half_written_header_is_dropped(tmp_path):
    (tmp_path / "log.csv").write_text("images,epo")
    assert read_log(tmp_path / "log.csv") == []
    assert read_log(tmp_path / "missing.csv") == []


def test_the_plot_is_a_picture(tmp_path):
    log = RunLog(tmp_path, 0)
    log.plot()
    assert not (tmp_path / "losses.png").exists()  # nothing to draw yet
    log.add(row(4))
    log.add(row(8))
    log.plot()
    log.close()
    with Image.open(tmp_path / "losses.png") as picture:
        assert len(picture.convert("RGB").getcolors(1 << 20)) > 10


@pytest.mark.filterwarnings("error")
def test_the_plot_of_a_vae_has_its_divergence_in_place_of_scores(tmp_path):
    log = RunLog(tmp_path, 0)
    for images in (4, 8):
        log.add({"images": images, "loss_pixels": 1.0, "kl": 50.0, "loss_g": 2.0})
    log.plot()
    log.close()
    with Image.open(tmp_path / "losses.png") as picture:
        assert len(picture.convert("RGB").getcolors(1 << 20)) > 10


def test_options_are_readable_json(tmp_path):
    save_options(tmp_path, "dcgan", "faces", DCGANOptions())
    assert json.loads((tmp_path / "options.json").read_text())["lr"] == 2e-4
