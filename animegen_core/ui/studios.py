"""The checkpoints that visitors can choose."""

import threading
from concurrent.futures import Future
from typing import NoReturn

from PIL import Image

from animegen_core.character import Character
from animegen_core.checkpoint import bundled_configs, bundled_names
from animegen_core.checkpoint.names import HubName
from animegen_core.errors import AnimeGenError, quote
from animegen_core.families import Capabilities
from animegen_core.studio import Studio

_ACRONYMS = {"dcgan": "DCGAN", "stylegan": "StyleGAN", "stylegan2": "StyleGAN2", "vae": "VAE"}
_KEPT = 6  # checkpoints of the Hub in memory, of about 15 MB each


class Studios:
    """Loads checkpoints by name at their first use, and keeps them for all visitors.

    Visitors can open bundled checkpoints and repositories of the Hub, but no folders of this computer.

    Args:
        default: the first studio of the app.
        others: further ones beside the bundled checkpoints.
        hub: whether visitors may open a repository of the Hub.

    Attributes:
        drawn: images that were drawn before visitors came, by hash of the weights, character and size.
    """

    def __init__(self, default: Studio, *others: Studio, hub: bool = True) -> None:
        self.default = default.checkpoint.name
        self.hub = hub
        self.drawn: dict[tuple[str, Character, int], Image.Image] = {}
        self._given = {studio.checkpoint.name: studio for studio in (default, *others)}
        self._loaded: dict[str, Studio] = {}
        self._opening: dict[str, Future[Studio]] = {}  # by name; others wait for its result
        self._device = default.device
        self._lock = threading.Lock()

    @property
    def names(self) -> list[str]:
        """Names for the picker, the default first."""
        return list(dict.fromkeys([*self._given, *bundled_names()]))

    def title(self, name: str) -> str:
        """The name of a checkpoint as it is shown: "Portraits 128" for the bundled portraits-128, other names as they are."""
        if name not in bundled_names():
            return name
        return " ".join(_ACRONYMS.get(word, word.capitalize()) for word in name.split("-"))

    def opens_with(self, capability: str) -> bool:
        """Whether the default checkpoint has a capability (see ``families.Capabilities``)."""
        return getattr(self.get(self.default).capabilities, capability)

    def best_with_styles(self) -> str | None:
        """The listed checkpoint with styles that has seen most images; None if there is none."""
        configs = self._configs()
        able = [(configs[name]["images_seen"], name) for name in self.able("styles")]
        return max(able)[1] if able else None

    def able(self, capability: str) -> list[str]:
        """Names of the listed checkpoints with a capability (see ``families.Capabilities``), none of which is loaded for it."""
        configs = self._configs()
        kinds = {name: Capabilities.of(configs[name]["family"], configs[name]["generator"]) for name in self.names}
        return [name for name, kind in kinds.items() if getattr(kind, capability)]

    def _configs(self) -> dict[str, dict]:
        return {**bundled_configs(), **{name: studio.checkpoint.config for name, studio in self._given.items()}}

    def get(self, name: str) -> Studio:
        """The studio of a checkpoint.

        Raises:
            AnimeGenError: there is no such checkpoint, or it is damaged.
        """
        if not isinstance(name, str):
            self._refuse(name)
        if name in self._given:
            return self._given[name]
        with self._lock:
            if name in self._loaded:
                self._loaded[name] = self._loaded.pop(name)  # the most recently used is last
                return self._loaded[name]
            opened = self._opening.get(name)
            if opened is None:
                self._opening[name] = mine = Future()
        if opened is not None:
            return opened.result()
        try:  # without the lock, because a download takes long
            mine.set_result(self._open(name))
        except BaseException as error:
            mine.set_exception(error)
        with self._lock:
            del self._opening[name]
            if mine.exception() is None:
                self._loaded[name] = mine.result()
                if len(self._loaded) > _KEPT:
                    del self._loaded[next(iter(self._loaded))]
        return mine.result()

    def find(self, name: str, wanted: object) -> str:
        """The name of a description's checkpoint here: its own, or that of a checkpoint with the same weights.

        Args:
            name: as in the description.
            wanted: hash of the weights, as in the description.

        Raises:
            AnimeGenError: as in ``get``; the message includes the hash.
        """
        try:
            self.get(name)
            return name
        except AnimeGenError as error:
            known = {**self._given, **self._loaded}
            if same := [here for here, studio in known.items() if studio.checkpoint.hash == wanted]:
                return same[0]
            # The checkpoint of a run was once named after its folder.
            if same := [here for here, studio in self._given.items() if studio.checkpoint.path.name == name]:
                return same[0]
            reason = "" if wanted is None else f" The hash of its weights is {quote(wanted)}."
            raise AnimeGenError(f"{error}{reason}") from error

    def _open(self, name: str) -> Studio:
        known = name if name in bundled_names() else HubName.parse(name) if self.hub else None
        if known is None:
            self._refuse(name)
        return Studio.load(known, self._device, local_folders=False)

    def _refuse(self, name: object) -> NoReturn:
        advice = ", or a repository of the Hub, user/name" if self.hub else ""
        raise AnimeGenError(f"Unknown checkpoint {quote(name)}; choose one of: {', '.join(self.names)}{advice}.")
