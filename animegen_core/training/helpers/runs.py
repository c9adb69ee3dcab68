"""Runs of the small networks: their settings, saved in options.json, and the loop in their run folder."""

import json
import sys
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from torch import Tensor

from animegen_core.data import PictureCache
from animegen_core.errors import AnimeGenError
from animegen_core.files import atomic_write_text
from animegen_core.training.journal import Journal
from animegen_core.training.resumable import Resumable
from animegen_core.training.run_data import RunData, require_present, went_on
from animegen_core.training.run_folder import OPTIONS, STATE, absolute, load_options, new_run_folder
from animegen_core.training.run_loop import run

_PATHS = ("data", "labels", "pairs", "out")  # settings that may change when a run resumes


@dataclass(frozen=True)
class HelperRun:
    """The settings and options of a run of a small network.

    Attributes:
        family: in options.json.
        settings: "data", "out" and others that are not options of the training; JSON-able, None if not given.
        options: a dataclass; ``RESUMABLE`` lists the options that may change when the run resumes.
        folder: the run folder; None for a new run.

    Raises:
        AnimeGenError: a setting is missing, or a path does not exist.
    """

    family: str
    settings: dict[str, Any]
    options: Any
    folder: Path | None = None

    def __post_init__(self) -> None:
        for name, value in self.settings.items():
            if value is None:
                raise AnimeGenError(f"Give --{name}: a path to {'write to' if name == 'out' else 'read from'}.")
        if self.folder is not None:
            require_present(self.folder, **{name: self.settings[name] for name in _PATHS[:-1] if name in self.settings})

    @classmethod
    def resumed(cls, folder: Path, family: str, options_class: type, explicit: dict[str, Any]) -> "HelperRun":
        """The run in ``folder``, with the new paths, lengths and intervals.

        Raises:
            AnimeGenError: the folder is not a run of this family, or a fixed option was given.
        """
        saved = load_options(folder)
        if saved.pop("family") != family:
            raise AnimeGenError(f"'{folder}' is not a run of {family}.")
        known = [field.name for field in fields(options_class)]
        may_change = [*(name for name in _PATHS if name in saved), *options_class.RESUMABLE]
        fixed = [name for name in explicit if name not in may_change and explicit[name] != saved.get(name)]
        if fixed:
            raise AnimeGenError(
                f"A resumed run keeps its options, so --{fixed[0].replace('_', '-')} cannot be changed; "
                f"these can: {', '.join(name.replace('_', '-') for name in may_change)}."
            )
        if missing := [name for name in known if name not in saved]:
            raise AnimeGenError(f"The options in '{folder}' are of another version: '{missing[0]}' is missing.")
        options = options_class(**{name: saved.pop(name) for name in known})
        # The time limit holds for one start only.
        changed = {name: explicit[name] for name in options_class.RESUMABLE if name in explicit}
        options = replace(options, **{"max_minutes": None} | changed)
        return cls(family, {name: explicit.get(name, value) for name, value in saved.items()}, options, folder)

    def with_data(self, cache: PictureCache, labels: Tensor | None = None) -> "HelperRun":
        """The run with what its config says of its data; reports on standard error if they changed since it was started."""
        before, said = self.settings.get("pictures"), self.settings["trained_on"]
        now, changed = went_on(RunData.of(cache, labels), before, said, None)
        if changed is not None:
            print(changed, file=sys.stderr)
        return replace(self, settings={**self.settings, **now.saved(), "trained_on": now.trained_on})

    def start(self, runs: Path, label: str) -> Path:
        """Write options.json into the run folder, which is created in ``runs`` for a new run."""
        folder = self.folder or new_run_folder(runs, label)
        paths = {name: absolute(self.settings[name]) for name in _PATHS if name in self.settings}
        saved = {"family": self.family, **self.settings, **paths, **asdict(self.options)}
        atomic_write_text(folder / OPTIONS, json.dumps(saved, indent=2) + "\n")
        print(f"Writing to '{folder}'.", file=sys.stderr)
        return folder

    @property
    def facts(self) -> dict[str, str]:
        """The entries about data and licence for the network's config."""
        return {name: self.settings[name] for name in ("trained_on", "licence")}


def run_in(
    folder: Path, trainer: Resumable, batches: Iterable[tuple], target: float, what: str = "pictures", unit: str = "img"
) -> None:
    """Train in a run folder, from the state there if there is one (see ``run_loop.run``)."""
    if (folder / STATE).exists():
        trainer.load(folder / STATE)
    journal = Journal(trainer, folder, what, unit)
    run(trainer, batches, target, journal)
    journal.close()
