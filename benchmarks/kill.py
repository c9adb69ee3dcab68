"""Kill runs, caches and exports with SIGKILL at random moments, and check that nothing is lost.

``python -m benchmarks.kill`` does it with tiny networks: every family of generators, the upscaler, the encoder, the classifier,
the image cache, images, films and ONNX files. After each kill the same command, or --resume, runs to its end. Its files must
then equal those of a run that was not killed, to the bit, and no temporary file may be left. Linux only: every command runs in
a forked process, which takes no time to start.

``--results kill.json`` keeps the result of each kill, and the same command continues after an interruption.
"""

import argparse
import contextlib
import importlib
import json
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
from animegen_core.families import FAMILIES
from animegen_core.files import atomic_write_text

_PATIENCE = 300  # seconds after which a process that must end has not
_STYLE = ["--resolution=16", "--mapping-depth=2", "--channel-base=64", "--channel-max=8", "--latent-dim=8", "--r1-interval=2"]
_GAN = ["--device=cpu", "--precision=fp32", "--batch=4", "--log-interval=1", "--save-minutes=1e-9", "--kimg=0.06"]
_FAMILIES = {
    "dcgan": ["--base-channels=4"],
    "conditional-dcgan": ["--base-channels=4", "--labels=tags.csv"],
    "stylegan": _STYLE,
    "stylegan2": [*_STYLE, "--labels=tags.csv"],
    "vae": ["--resolution=16", "--channel-base=64", "--channel-max=8", "--latent-dim=8", "--labels=tags.csv"],
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
    "encoder": [
        "--checkpoint=styled",
        "--channel-base=64",
        "--channel-max=8",
        "--batch=4",
        "--precision=fp32",
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
            _run(train, family, f"--resume={runs[-1]}", *(flag for flag in flags if flag == "--device=cpu"))
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
    parser.add_argument("--results", type=Path, help="JSON file to keep results in, and to continue from.")
    given = parser.parse_args()
    file = given.results and given.results.resolve()
    torch.set_num_threads(1)  # a forked process has no other threads
    for module in ("matplotlib.figure", "onnxscript", "torch._dynamo", "torch.utils.tensorboard"):
        importlib.import_module(module)  # each process would import it
    results = json.loads(file.read_text()) if file and file.exists() else {}
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        checkpoint = _prepare(Path(folder))
        everything = tasks(checkpoint)
        assert everything.keys() >= FAMILIES.keys(), "A family is missing."
        print(f"{'':18}  kills  in time  the same  leftovers")
        totals = [0, 0, 0, 0]
        for index, (name, task) in enumerate(everything.items()):
            kills = given.moments // len(everything) + (index < given.moments % len(everything))
            _attack(Path(folder), name, task, kills, given.seed, results.setdefault(name, []), lambda: _keep(file, results))
            row = [len(results[name]), *map(sum, zip(*results[name]))] if results[name] else [0] * 4
            totals = [total + value for total, value in zip(totals, row)]
            print(_row(name, row), flush=True)
        print(_row("all", totals))


def _row(name: str, values: list[int]) -> str:
    kills, in_time, same, leftovers = values
    return f"{name:18}  {kills:5}  {in_time:7}  {same:8}  {leftovers:9}"


def _keep(file: Path | None, results: dict[str, list[list[int]]]) -> None:
    if file is not None:
        atomic_write_text(file, json.dumps(results))


def _prepare(folder: Path) -> Path:
    """Images, their tags, a checkpoint that draws, and one with styles. Returns the first."""
    (folder / "pictures").mkdir()
    random_state, rows = np.random.RandomState(0), ["file,hair,eyes"]
    for index in range(48):
        noise = random_state.randint(0, 256, (6, 6, 3), np.uint8)
        Image.fromarray(noise).resize((96, 96), Image.Resampling.BICUBIC).save(folder / "pictures" / f"{index:02d}.png")
        rows.append(f"{index:02d}.png,{'pink' if index % 2 else 'black'},blue")
    (folder / "tags.csv").write_text("\n".join(rows))
    for family in ("dcgan", "stylegan"):
        flags = ["--data=pictures", "--out=runs", *_FAMILIES[family], *_GAN]
        _finish(folder, f"prepared-{family}", lambda family=family, flags=flags: _run(train, family, *flags))
    made = [next((folder / f"prepared-{family}" / "runs").glob("0*/checkpoint")) for family in ("dcgan", "stylegan")]
    made[1].rename(folder / "styled")
    return made[0]


def _attack(
    folder: Path, name: str, task: Task, kills: int, seed: int, results: list[list[int]], keep: Callable[[], None]
) -> None:
    """Add to ``results`` for each kill: whether the process still ran, whether the files are the same, and how many are left.

    The kills that it has already are not repeated.
    """
    if len(results) >= kills:
        return
    start = time.monotonic()
    whole = _results(_finish(folder, f"{name}-whole", task.start), task)
    assert whole, f"{name} leaves no files to compare."
    seconds = time.monotonic() - start
    for index in range(len(results), kills):
        where, in_time = _kill(folder, f"{name}-{index}", task, seconds, random.Random(f"{seed} {name} {index}"))
        _end(_begin(folder, where.name, task.again or task.start)[1])
        same = _results(where, task) == whole
        results.append([int(in_time), int(same), sum(1 for path in where.rglob(".animegen-*"))])
        shutil.rmtree(where)
        keep()


def _kill(folder: Path, name: str, task: Task, seconds: float, chance: random.Random) -> tuple[Path, bool]:
    """Kill a task within so many seconds. Returns its folder, and whether it was still running.

    One that had ended, because the computer is less busy now, is started again and killed earlier.
    """
    for attempt in range(5):
        shutil.rmtree(folder / name, ignore_errors=True)
        where, process = _begin(folder, name, task.start)
        process.join(chance.uniform(0, seconds / 2**attempt))
        in_time = process.is_alive()
        process.kill()
        process.join()
        if in_time:
            break
    return where, in_time


def _finish(folder: Path, name: str, work: Callable[[], None]) -> Path:
    where, process = _begin(folder, name, work)
    _end(process)
    return where


def _begin(folder: Path, name: str, work: Callable[[], None]) -> tuple[Path, multiprocessing.Process]:
    """Start work in a process of its own, in a folder of its own with the images, and with its own cache."""
    where = folder / name
    where.mkdir(exist_ok=True)
    for shared in ("pictures", "tags.csv", "styled"):
        if not (where / shared).is_symlink():
            (where / shared).symlink_to(folder / shared)

    def inside() -> None:
        os.chdir(where)
        os.environ["ANIMEGEN_CACHE"] = str(where / "cache")
        work()

    process = multiprocessing.get_context("fork").Process(target=inside)
    process.start()
    return where, process


def _end(process: multiprocessing.Process) -> None:
    process.join(_PATIENCE)
    if process.is_alive():
        process.kill()
        raise SystemExit(f"A run that was not killed took more than {_PATIENCE} s.")
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
