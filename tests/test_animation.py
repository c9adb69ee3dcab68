import json
import resource

import imageio.v3 as iio
import numpy as np
import pytest
from PIL import Image, ImageSequence

from animegen_core import Animation, AnimeGenError, Character, Studio
from animegen_core.animation import check_format, save_animation
from animegen_core.images import read_description
from animegen_core.studio import read_described

FPS = 25


@pytest.fixture(scope="module")
def studio(family_checkpoints):
    return Studio.load(family_checkpoints["stylegan2"], "cpu")


@pytest.fixture(scope="module")
def animation():
    return Animation((Character(1), Character(2), Character(3)), frames=12, fps=FPS)


@pytest.fixture(scope="module")
def frames(studio, animation):
    return list(studio.animate(animation))


@pytest.fixture
def save(studio, animation, frames, tmp_path):
    def save_as(name, pictures=None, **options):
        options = dict(fps=FPS, description=studio.describe(animation)) | options
        return save_animation(iter(frames if pictures is None else pictures), tmp_path / name, **options)

    return save_as


def assert_shows(decoded, frames):
    """Each decoded frame is nearest to the one it was made from."""
    decoded, frames = (np.stack([np.asarray(picture, float)[:32, :32] for picture in sides]) for sides in (decoded, frames))
    distances = np.abs(decoded[:, None] - frames[None]).mean((2, 3, 4))
    assert distances.argmin(1).tolist() == list(range(len(frames)))
    assert distances.diagonal().max() < 25  # of noise, in which 2 x 2 pixels share a colour


@pytest.mark.parametrize("name", ["loop.gif", "LOOP.WEBP"])
@pytest.mark.parametrize("loop", [True, False])
def test_a_picture_that_moves_has_all_frames_their_times_and_its_loop_flag(save, frames, name, loop):
    with Image.open(save(name, loop=loop)) as picture:
        assert (picture.n_frames, picture.size) == (len(frames), frames[0].size)
        assert picture.info.get("loop") == (0 if loop else {"GIF": None, "WEBP": 1}[picture.format])
        decoded = [(frame.convert("RGB"), picture.info["duration"]) for frame in ImageSequence.Iterator(picture)]
    assert_shows([frame for frame, _ in decoded], frames)
    assert sum(duration for _, duration in decoded) == 1000 * len(frames) // FPS


@pytest.mark.parametrize("size", [(64, 64), (33, 35)])
def test_a_film_has_all_frames_and_its_rate(save, frames, size):
    frames = [frame.resize(size, Image.Resampling.BICUBIC) for frame in frames]
    path = save("loop.mp4", frames)
    film = iio.imread(path, plugin="FFMPEG")
    even = tuple(n + n % 2 for n in size)
    assert film.shape == (len(frames), even[1], even[0], 3)
    assert iio.immeta(path, plugin="FFMPEG")["fps"] == FPS
    assert_shows(film, frames)
    assert path.read_bytes().index(b"moov") < path.read_bytes().index(b"mdat")  # it plays while it loads


def test_a_folder_has_one_lossless_picture_for_each_frame(save, frames):
    files = sorted(save("new/frames").iterdir())
    assert [file.name for file in files] == [f"frame{index:05d}.png" for index in range(len(frames))]
    for file, original in zip(files, frames):
        with Image.open(file) as picture:
            assert picture.tobytes() == original.tobytes()
    assert [path.name for path in files[0].parents[1].iterdir()] == ["frames"]


@pytest.mark.parametrize("name", ["loop.gif", "loop.webp", "loop.mp4", "frames"])
def test_the_file_is_the_project(studio, animation, frames, save, name):
    path = save(name)
    description = read_description(path if path.is_file() else path / "frame00003.png")
    assert read_described(description) == ("tiny-stylegan2", animation)
    assert description == studio.describe(animation)
    twin = save(f"again-{name}", list(studio.animate(read_described(description)[1])))
    if path.is_file():
        assert twin.read_bytes() == path.read_bytes()


@pytest.mark.parametrize("name", ["loop.gif", "loop.webp", "loop.mp4"])
def test_the_description_can_be_left_out(save, name):
    with pytest.raises(AnimeGenError, match="has no AnimeGen description"):
        read_description(save(name, description=None))


@pytest.mark.parametrize("fps, milliseconds", [(5, 2400), (30, 400), (60, 240)])
def test_a_gif_keeps_its_length_as_far_as_the_format_can(save, fps, milliseconds):
    with Image.open(save("loop.gif", fps=fps)) as picture:
        times = [frame.info["duration"] for frame in ImageSequence.Iterator(picture)]
    assert sum(times) == milliseconds
    assert min(times) >= 20


@pytest.mark.parametrize("name", ["loop.gif", "loop.webp", "loop.mp4", "frames"])
def test_a_failing_animation_leaves_nothing_new(save, frames, tmp_path, name):
    def broken():
        yield from frames[:5]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        save(name, broken())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["loop.avi", "loop.png", "loop.gif.txt"])
def test_an_unknown_format_names_the_known_ones(save, name):
    with pytest.raises(AnimeGenError, match=f"^'{name}' has an unknown suffix; use .gif, .webp, .mp4, or a folder.$"):
        save(name)


def test_a_full_folder_is_not_mixed_with_frames(save, tmp_path):
    (tmp_path / "frames").mkdir()
    check_format(tmp_path / "frames")
    (tmp_path / "frames" / "mine.txt").touch()
    with pytest.raises(AnimeGenError, match="is not empty; give a new folder"):
        save("frames")
    assert [path.name for path in (tmp_path / "frames").iterdir()] == ["mine.txt"]


def test_no_frames_make_no_animation(save):
    with pytest.raises(AnimeGenError, match="at least 1 frame"):
        save("loop.gif", [])


def damaged(data, text):
    """The same file with a description of the same length put in the place of the old one."""
    start = data.index(b'animegen {"') + len(b"animegen ")
    end = data.index(b"}", data.rindex(b'"version"')) + 1
    return data[:start] + text.ljust(end - start)[: end - start] + data[end:]


@pytest.mark.parametrize("name", ["loop.webp", "loop.mp4"])
@pytest.mark.parametrize("text", [b"{", b"[1]", b"[" * 5000, b"9" * 5000, b"\xff\xfe", b'{"a": '])
def test_a_damaged_description_is_told_in_one_sentence(save, name, text):
    path = save(name)
    path.write_bytes(damaged(path.read_bytes(), text))
    with pytest.raises(AnimeGenError, match=f"^The description in '{name}' is damaged.$"):
        read_description(path)


@pytest.mark.parametrize("name", ["loop.gif", "loop.webp"])
def test_a_description_of_megabytes_is_refused(save, name):
    with pytest.raises(AnimeGenError, match=r"is damaged|could not be read"):
        read_description(save(name, description={"note": "x" * 2_000_000}))


def test_a_failing_encoder_is_told_in_one_sentence(save, monkeypatch, tmp_path):
    monkeypatch.setattr("imageio_ffmpeg.get_ffmpeg_exe", lambda: "false")
    with pytest.raises(AnimeGenError, match=r"^'loop.mp4' could not be encoded as MP4"):
        save("loop.mp4")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["loop.gif", "loop.webp", "loop.mp4"])
def test_no_damage_does_more_than_raise_a_sentence(save, name):
    path = save(name)
    data, random = path.read_bytes(), np.random.RandomState(0)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for _ in range(60):
        hostile = bytearray(data[: random.randint(1, len(data))] if random.rand() < 0.5 else data)
        for position in random.randint(0, len(hostile), 20):
            hostile[position] = random.choice([0, 1, 127, 255])
        path.write_bytes(hostile)
        try:
            assert json.dumps(read_description(path))
        except AnimeGenError as error:
            assert "\n" not in str(error)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000  # kB
