"""Kill runs, caches and exports with SIGKILL at random moments, and check that nothing is lost.

``python -m benchmarks.kill`` does it with tiny networks: every family of generators, the upscaler, the classifier, the image
cache, images, films and ONNX files. After each kill the same command, or --resume, runs to its end. Its files must then equal
those of a run that was not killed, to the bit, and no temporary file may be left. Linux only: every command runs in a forked
process, which takes no time to start.
"""

import argparse
import contextlib
import importlib
import multiprocessing
import os
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from safetensors.torch import load_file
from typer.testing import CliRunner

from animegen_core.commands.main import app as animegen
from animegen_core.commands.training import app as train

_STYLE = ["--resolution=16", "--mapping-depth=2", "--channel-base=64", "--channel-max=8", "--latent-dim=8", "--r1-interval=2"]
_GAN = ["--device=cpu", "--precision=fp32", "--batch=4", "--log-interval=1", "--save-minutes=1e-9", "--kimg=0.06"]
_FAMILIES = {
    "dcgan": ["--base-channels=4"],
    "conditional-dcgan": ["--base-channels=4", "--labels=tags.csv"],
    "stylegan": _STYLE,
    "stylegan2": [*_STYLE, "--labels=tags.csv"],
}
_HELPERS = {
    "upscaler": [
        "--channels=8",
        "--blocks=1",
        "--patch=16",
        "--batch=4",
        "--precision=fp32",
        "--resolution=32",
        "--device=cpu",
        "--kimg=0.06",
    ],
    "classifier": ["--labels=tags.csv", "--batch=16", "--widths=8,8,8"],
}


@dataclass(frozen=True)
class Task:
    """What is killed, in a folder with ``pictures`` and ``tags.csv`` as the working folder.

    Attributes:
        start: the command.
        results: patterns of the files that must be the same.
        again: the command after a kill; by default the same.
    """

    start: Callable[[], None]
    results: tuple[str, ...]
    again: Callable[[], None] | None = None


def _run(app: object, *arguments: str) -> None:
    result = CliRunner().invoke(app, arguments)
    if result.exit_code:
        sys.__stderr__.write(f"{result.output}\n{result.exception}\n")
        os._exit(1)


def _training(family: str, flags: list[str], results: tuple[str, ...]) -> Task:
    out = ["--out=out", "--runs=runs"] if family in _HELPERS else ["--out=runs"]

    def start() -> None:
        _run(train, family, "--data=pictures", *out, *flags)

    def again() -> None:
        runs = sorted(Path("runs").glob("0*"))
        if runs and (runs[-1] / "state.safetensors").exists():
            _run(train, family, f"--resume={runs[-1]}", "--device=cpu")
        else:  # killed before the first state: nothing to lose
            shutil.rmtree("runs", ignore_errors=True)
            start()

    return Task(start, results, again)


def tasks(checkpoint: Path) -> dict[str, Task]:
    """All of them; exports draw with a checkpoint."""
    state, weights = "runs/0*/state.safetensors", "runs/0*/checkpoint/model.safetensors"
    found = {family: _training(family, [*flags, *_GAN], (state, weights)) for family, flags in _FAMILIES.items()}
    found |= {
        family: _training(family, [*flags, "--save-minutes=1e-9"], (state, "out/*.safetensors"))
        for family, flags in _HELPERS.items()
    }

    def cache() -> None:
        from animegen_core.data import load_pictures

        np.save("cached.npy", load_pictures("pictures", 96).pictures)

    name = f"--checkpoint={checkpoint}"
    return found | {
        "cache": Task(cache, ("cached.npy",)),
        "images": Task(
            lambda: _run(animegen, "generate", "--seeds=0-15", "--out=faces", name, "--sheet=s.png"), ("faces/*", "s.png")
        ),
        "gif": Task(lambda: _run(animegen, "animate", "--seeds=1,2", "--out=film.gif", "--frames=40", name), ("film.gif",)),
        "mp4": Task(lambda: _run(animegen, "animate", "--seeds=1,2", "--out=film.mp4", "--frames=40", name), ("film.mp4",)),
        "onnx": Task(lambda: _run(animegen, "export", str(checkpoint), "--out=face.onnx"), ("face.onnx",)),
    }


def main() -> None:
    """Print a row for every task."""
    parser = argparse.ArgumentParser("python -m benchmarks.kill")
    parser.add_argument("--moments", type=int, default=50, help="How many kills in all.")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    torch.set_num_threads(1)  # a forked process has no other threads
    for module in ("matplotlib.figure", "onnxscript", "torch.utils.tensorboard"):  # which each process would import
        importlib.import_module(module)
    chance = random.Random(given.seed)
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        checkpoint = _prepare(Path(folder))
        everything = tasks(checkpoint)
        print(f"{'':18}  kills  in time  the same  leftovers")
        share = [
            given.moments // len(everything) + (index < given.moments % len(everything)) for index in range(len(everything))
        ]
        for (name, task), kills in zip(everything.items(), share):
            print(f"{name:18}  {_attack(Path(folder), name, task, kills, chance)}", flush=True)


def _prepare(folder: Path) -> Path:
    """Images, their tags, and a checkpoint that draws."""
    (folder / "pictures").mkdir()
    random_state, rows = np.random.RandomState(0), ["file,hair,eyes"]
    for index in range(48):
        noise = random_state.randint(0, 256, (6, 6, 3), np.uint8)
        Image.fromarray(noise).resize((96, 96), Image.Resampling.BICUBIC).save(folder / "pictures" / f"{index:02d}.png")
        rows.append(f"{index:02d}.png,{'pink' if index % 2 else 'black'},blue")
    (folder / "tags.csv").write_text("\n".join(rows))
    _finish(folder, "checkpoint", lambda: _run(train, "dcgan", "--data=pictures", "--out=runs", "--base-channels=4", *_GAN))
    return next((folder / "checkpoint" / "runs").glob("0*/checkpoint"))


def _attack(folder: Path, name: str, task: Task, kills: int, chance: random.Random) -> str:
    start = time.monotonic()
    whole = _results(_finish(folder, f"{name}-whole", task.start), task)
    seconds = time.monotonic() - start
    in_time = same = leftovers = 0
    for index in range(kills):
        where, process = _begin(folder, f"{name}-{index}", task.start)
        process.join(chance.uniform(0, seconds))
        in_time += process.is_alive()
        process.kill()
        process.join()
        _end(_begin(folder, where.name, task.again or task.start)[1])
        same += _results(where, task) == whole
        leftovers += sum(1 for path in where.rglob(".animegen-*"))
    return f"{kills:5}  {in_time:7}  {same:8}  {leftovers:9}"


def _finish(folder: Path, name: str, work: Callable[[], None]) -> Path:
    where, process = _begin(folder, name, work)
    _end(process)
    return where


def _begin(folder: Path, name: str, work: Callable[[], None]) -> tuple[Path, multiprocessing.Process]:
    """Start work in a process of its own, in a folder of its own with the images, and with its own cache."""
    where = folder / name
    where.mkdir(exist_ok=True)
    for shared in ("pictures", "tags.csv"):
        if not (where / shared).exists():
            (where / shared).symlink_to(folder / shared)

    def inside() -> None:
        os.chdir(where)
        os.environ["ANIMEGEN_CACHE"] = str(where / "cache")
        work()

    process = multiprocessing.get_context("fork").Process(target=inside)
    process.start()
    return where, process


def _end(process: multiprocessing.Process) -> None:
    process.join()
    if process.exitcode:
        raise SystemExit(f"A run that was not killed ended with {process.exitcode}.")


def _results(where: Path, task: Task) -> dict[str, object]:
    paths = [path for pattern in task.results for path in where.glob(pattern)]
    return {
        str(path.relative_to(where)): _tensors(path) if path.suffix == ".safetensors" else path.read_bytes() for path in paths
    }


def _tensors(path: Path) -> dict[str, bytes]:
    """A state also holds how long the run took, which differs."""
    return {name: tensor.numpy().tobytes() for name, tensor in load_file(path).items()}


if __name__ == "__main__":
    main()
