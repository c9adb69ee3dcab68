"""The families of generators: what each is made of, in one table that training, studio, documents and tests read."""

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

from torch import nn

from animegen_core.labels import LABEL_DIMS
from animegen_core.models import dcgan, stylegan, stylegan2

if TYPE_CHECKING:
    from collections.abc import Callable

_TRAINING = "animegen_core.training"  # imported when a family is trained: drawing does not need it


@dataclass(frozen=True)
class Capabilities:
    """What can be asked of a checkpoint beyond a seed, psi and variations.

    Attributes:
        labels: hair and eye colours.
        styles: styles of several characters mixed by layers.
    """

    labels: bool
    styles: bool

    @classmethod
    def of(cls, family: str, generator_config: dict[str, Any]) -> "Capabilities":
        """Those of a checkpoint, from its config.json."""
        labels = tuple(generator_config.get("label_dims", ())) == LABEL_DIMS
        return cls(labels=labels, styles=FAMILIES[family].has_styles)


@dataclass(frozen=True)
class Family:
    """One family.

    Attributes:
        name: what ``train.py`` and config.json call it.
        generator: the generator's class.
        options_path: where in ``animegen_core.training`` its options are, as "module.Class".
        recipe_path: where its recipe is.
        needs_labels: whether it cannot be trained without a tag file.
    """

    name: str
    generator: type[nn.Module]
    options_path: str
    recipe_path: str
    needs_labels: bool = False

    @property
    def has_styles(self) -> bool:
        """Whether styles of several characters can be mixed by layers."""
        return issubclass(self.generator, stylegan.StyleBasedGenerator)

    @property
    def options(self) -> "Callable[..., Any]":
        """The class of its options, a ``TrainOptions``."""
        return _from_training(self.options_path)

    @property
    def recipe(self) -> "Callable[..., Any]":
        """The class of its ``Recipe``, which takes the options."""
        return _from_training(self.recipe_path)

    @property
    def presets(self) -> list[str]:
        """Names of its presets."""
        return _from_training("presets.presets_of")(self.name)


def _from_training(path: str) -> "Callable[..., Any]":
    module, _, name = path.rpartition(".")
    return getattr(import_module(f"{_TRAINING}.{module}"), name)


FAMILIES = {
    family.name: family
    for family in (
        Family("dcgan", dcgan.Generator, "options.DCGANOptions", "recipes.DCGANRecipe"),
        Family(
            "conditional-dcgan",
            dcgan.ConditionalGenerator,
            "options.ConditionalDCGANOptions",
            "recipes.ConditionalDCGANRecipe",
            needs_labels=True,
        ),
        Family("stylegan", stylegan.StyleGANGenerator, "style_options.StyleGANOptions", "recipes.StyleGANRecipe"),
        Family("stylegan2", stylegan2.StyleGAN2Generator, "style_options.StyleGAN2Options", "recipes.StyleGAN2Recipe"),
    )
}
