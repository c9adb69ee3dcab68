"""The table of all families of generators, for training, studio, documents and tests."""

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

from torch import nn

from animegen_core.labels import LABEL_DIMS
from animegen_core.models import dcgan, stylegan, stylegan2, vae

if TYPE_CHECKING:
    from collections.abc import Callable

_TRAINING = "animegen_core.training"  # imported only for training


@dataclass(frozen=True)
class Capabilities:
    """What a checkpoint supports beyond seed, psi and variations.

    Attributes:
        labels: choice of hair and eye colours.
        styles: mixing styles of several characters by layers.
        inverts: finding the latent of an image.
    """

    labels: bool
    styles: bool
    inverts: bool

    @classmethod
    def of(cls, family: str, generator_config: dict[str, Any]) -> "Capabilities":
        """The capabilities of a checkpoint, from its config.json."""
        labels = tuple(generator_config.get("label_dims", ())) == LABEL_DIMS
        kind = FAMILIES[family]
        return cls(labels=labels, styles=kind.has_styles, inverts=kind.has_styles or hasattr(kind.generator, "encode"))


@dataclass(frozen=True)
class Family:
    """A family of generators.

    Attributes:
        name: in ``train.py`` and config.json.
        generator: the generator's class.
        options_path: its class of options in ``animegen_core.training``, as "module.Class".
        recipe_path: its recipe, likewise.
        needs_labels: whether training needs a tag file.
    """

    name: str
    generator: type[nn.Module]
    options_path: str
    recipe_path: str
    needs_labels: bool = False

    @property
    def has_styles(self) -> bool:
        """Whether it can mix styles of several characters by layers."""
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
        Family("vae", vae.VAE, "vae_options.VAEOptions", "recipes.VAERecipe"),
    )
}
