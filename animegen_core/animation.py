"""Writes frames to GIF, WebP, MP4 or a folder of PNGs, with the description embedded."""

import itertools
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from subprocess import DEVNULL, PIPE, Popen

import imageio_ffmpeg
import numpy as np
from PIL import ExifTags, Image

from animegen_core.errors import AnimeGenError
from animegen_core.files import atomic_folder, atomic_path
from animegen_core.images import description_text, save_png

_SHORTEST_GIF_FRAME = 20  # ms; browsers show shorter frames for 100 ms


def save_animation(
    frames: Iterable[Image.Image], path: str | Path, fps: int, description: dict | None = None, loop: bool = True
) -> Path:
    """Write frames as they are drawn. The file is written completely or, on an error, not at all.

    Args:
        frames: RGB images of one size.
        path: the suffix .gif, .webp or .mp4 sets the format; without suffix, a new folder of PNGs.
        fps: frames a second. GIF has at most 50, and times in hundredths of a second; rounding keeps the total length.
        description: from ``Studio.describe``, to embed as a comment, in EXIF (WebP) or in a text chunk (PNG).
        loop: whether GIF and WebP repeat. These formats merge equal consecutive frames (WebP: within 4 levels of 255) into one
            that is shown longer.

    Raises:
        AnimeGenError: the format is unknown, there is no frame, the folder is not empty, or the encoder fails.
    """
    path = Path(path)
    frames = iter(frames)
    write = _writer(path)
    first = next(frames, None)
    if first is None:
        raise AnimeGenError("An animation needs at least 1 frame, got 0.")
    write(itertools.chain([first], frames), path, fps, description, loop)
    return path


def check_format(path: str | Path) -> None:
    """Check before drawing that ``save_animation`` can write to a path.

    Raises:
        AnimeGenError: the suffix is unknown, or the folder is not empty.
    """
    _writer(Path(path))


def _writer(path: Path) -> Callable[..., None]:
    suffix = path.suffix.lower()
    if suffix not in _WRITERS:
        raise AnimeGenError(f"'{path.name}' has an unknown suffix; use {', '.join(filter(None, _WRITERS))}, or a folder.")
    if not suffix and path.is_dir() and any(path.iterdir()):
        raise AnimeGenError(f"The folder '{path}' is not empty; give a new folder.")
    return _WRITERS[suffix]


def _write_gif(frames: Iterator[Image.Image], path: Path, fps: int, description: dict | None, loop: bool) -> None:
    # No dithering, which would flicker; a palette for each frame.
    pictures = [frame.quantize(256, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE) for frame in frames]
    durations = [max(duration, _SHORTEST_GIF_FRAME) for duration in _durations(len(pictures), fps, unit=10)]
    options = {"loop": 0} if loop else {}  # without this field players stop at the end
    if description is not None:
        options["comment"] = description_text(description).encode()
    with atomic_path(path) as temporary:
        pictures[0].save(temporary, "GIF", save_all=True, append_images=pictures[1:], duration=durations, **options)


def _write_webp(frames: Iterator[Image.Image], path: Path, fps: int, description: dict | None, loop: bool) -> None:
    exif = Image.Exif()
    if description is not None:
        exif[ExifTags.Base.ImageDescription] = description_text(description)
    first, *others = frames  # Pillow's encoder needs all frames at once
    durations = _durations(1 + len(others), fps, unit=1)
    with atomic_path(path) as temporary:
        first.save(
            temporary,
            "WEBP",
            save_all=True,
            append_images=others,
            duration=durations,
            loop=0 if loop else 1,
            quality=80,
            method=4,
            exif=exif,
        )


def _write_mp4(frames: Iterator[Image.Image], path: Path, fps: int, description: dict | None, loop: bool) -> None:
    pictures = (_even(np.asarray(frame)) for frame in frames)
    first = next(pictures)
    source = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{first.shape[1]}x{first.shape[0]}", "-r", str(fps), "-i", "-"]
    codec = ["-c:v", "libx264", "-preset", "veryfast", "-crf", "18", "-pix_fmt", "yuv420p"]
    extras = ["-movflags", "+faststart"]  # the index first, so that it plays while it loads
    if description is not None:
        extras += ["-metadata", f"comment={description_text(description)}"]
    with atomic_path(path) as temporary:
        command = [imageio_ffmpeg.get_ffmpeg_exe(), "-loglevel", "error", *source, *codec, *extras, f"file:{temporary}"]
        with suppress(BrokenPipeError), Popen(command, stdin=PIPE, stderr=DEVNULL) as ffmpeg:
            for picture in itertools.chain([first], pictures):
                ffmpeg.stdin.write(picture.tobytes())
        if ffmpeg.returncode:
            raise AnimeGenError(f"'{path.name}' could not be encoded as MP4; is the disk full?")


def _write_folder(frames: Iterator[Image.Image], path: Path, fps: int, description: dict | None, loop: bool) -> None:
    with atomic_folder(path) as temporary:
        for index, frame in enumerate(frames):
            save_png(frame, temporary / f"frame{index:05d}.png", description)


_WRITERS = {".gif": _write_gif, ".webp": _write_webp, ".mp4": _write_mp4, "": _write_folder}


def _durations(count: int, fps: int, unit: int) -> list[int]:
    """Durations of the frames in ms, multiples of ``unit``; their sums are rounded true times."""
    ends = [round((index + 1) * 1000 / fps / unit) * unit for index in range(count)]
    return [end - start for start, end in zip([0, *ends], ends)]


def _even(frame: np.ndarray) -> np.ndarray:
    """The frame (H, W, 3) with an odd last row or column repeated, because colours are stored for 2 x 2 pixels."""
    height, width = frame.shape[:2]
    return np.pad(frame, ((0, height % 2), (0, width % 2), (0, 0)), "edge")
