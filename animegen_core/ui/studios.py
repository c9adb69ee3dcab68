"""The checkpoints that visitors of the app can pick."""

import threading
from typing import NoReturn

from animegen_core.checkpoint import bundled_configs, bundled_names
from animegen_core.checkpoint.names import HubName
from animegen_core.errors import AnimeGenError, quote
from animegen_core.families import Capabilities
from animegen_core.studio import Studio

_KEPT = 6  # checkpoints from the Hub in memory at once, of some 15 MB each


class Studios:
    """Opens checkpoints by name, each at its first use, and keeps them for all visitors.

    Visitors name bundled checkpoints and repositories of the Hub, never folders of this computer.

    Args:
        default: the studio that the app opens with.
        others: more that are offered beside the bundled ones.
        hub: whether visitors may name a repository of the Hub.
    """

    def __init__(self, default: Studio, *others: Studio, hub: bool = True) -> None:
        self.default = default.checkpoint.name
        self.hub = hub
        self._given = {studio.checkpoint.name: studio for studio in (default, *others)}
        self._loaded: dict[str, Studio] = {}
        self._device = default.device
        self._lock = threading.Lock()

    @property
    def names(self) -> list[str]:
        """What the picker lists: the default first."""
        return list(dict.fromkeys([*self._given, *bundled_names()]))

    def opens_with(self, capability: str) -> bool:
        """Whether the default checkpoint has a capability (see ``families.Capabilities``)."""
        return getattr(self.get(self.default).capabilities, capability)

    def best_with_styles(self) -> str | None:
        """Of the listed checkpoints that have styles, the one that has seen most pictures."""
        configs = {**bundled_configs(), **{name: studio.checkpoint.config for name, studio in self._given.items()}}
        able = [
            (config["images_seen"], name)
            for name, config in configs.items()
            if Capabilities.of(config["family"], config["generator"]).styles
        ]
        return max(able)[1] if able else None

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
            studio = self._loaded.pop(name, None) or self._open(name)
            self._loaded[name] = studio  # the last used is the last in line
            if len(self._loaded) > _KEPT:
                del self._loaded[next(iter(self._loaded))]
        return studio

    def find(self, name: str, wanted: object) -> str:
        """The name that a description's checkpoint has here: its own, or that of another with the same weights.

        Args:
            name: its own.
            wanted: the hash of the weights that the description was made with.

        Raises:
            AnimeGenError: as in ``get``; the sentence tells the hash.
        """
        try:
            self.get(name)
            return name
        except AnimeGenError as error:
            known = {**self._given, **self._loaded}
            if same := [here for here, studio in known.items() if studio.checkpoint.hash == wanted]:
                return same[0]
            # What a run wrote was once called after its folder.
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
        advice = ", or a repository of the Hub as in user/name" if self.hub else ""
        raise AnimeGenError(f"Unknown checkpoint {quote(name)}; choose one of: {', '.join(self.names)}{advice}.")
