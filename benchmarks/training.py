"""Training step of every family: ours against the same step in plain PyTorch.

Both compute the same losses, penalties and moving average of the same networks. The plain one uses PyTorch's defaults: float32
without autocast, the default memory layout, unfused Adam, and gradients for the discriminator's weights also in the
generator's update. Steps with and without penalty are timed separately and averaged over the interval. The last line compares
a step with a pretrained helper to one without.
"""

import copy
from dataclasses import replace
from functools import partial

import torch

from animegen_core.labels import LABEL_DIMS
from animegen_core.training.options import ConditionalDCGANOptions, DCGANOptions, TrainOptions
from animegen_core.training.presets import PRESETS
from animegen_core.training.recipes import ConditionalDCGANRecipe, DCGANRecipe, Recipe, StyleGAN2Recipe, StyleGANRecipe
from animegen_core.training.style_options import StyleBasedOptions, StyleGAN2Options, StyleGANOptions
from animegen_core.training.trainer import Trainer
from benchmarks.timing import seconds_each

_ROUNDS, _PENALTY_ROUNDS = 3, 1
_STEPS = 2**40  # late enough for all penalties; a multiple of every interval


class PlainLoop:
    """A recipe's step without optimisations for speed."""

    def __init__(self, recipe: Recipe):
        self.recipe = recipe
        self.progress = {"images_seen": _STEPS, "steps": 0}
        torch.manual_seed(0)
        self.generator, self.discriminator = recipe.build()
        self.averaged = copy.deepcopy(self.generator)
        self.optimizers = {
            name: torch.optim.Adam(network.parameters(), lr, betas)
            for name, network in (("generator", self.generator), ("discriminator", self.discriminator))
            for lr, betas in [recipe.adam(name)]
        }

    def step(self, real: torch.Tensor, labels: torch.Tensor | None) -> None:
        """One update of each network, a second one with a penalty, and one of the average."""
        recipe, count, device = self.recipe, len(real), real.device
        fake = recipe.generate(self.generator, count, labels, device)
        loss, _ = recipe.discriminator_loss(self.discriminator, real, fake.detach(), labels)
        self._update("discriminator", loss)
        penalty = recipe.discriminator_penalty(self.discriminator, real, fake.detach(), labels, self.progress)
        self._update("discriminator", penalty)
        self._update("generator", recipe.generator_loss(self.discriminator, real, fake, labels))
        self._update("generator", recipe.generator_penalty(self.generator, count, labels, device, self.progress))
        with torch.no_grad():
            for average, parameter in zip(self.averaged.parameters(), self.generator.parameters()):
                average.lerp_(parameter, 0.001)

    def _update(self, name: str, loss: torch.Tensor | None) -> None:
        if loss is not None:
            self.optimizers[name].zero_grad()
            loss.backward()
            self.optimizers[name].step()


def main() -> None:
    """Print images per second of both and their ratio."""
    light = {family: PRESETS[f"{family}-64-light"] for family in ("stylegan", "stylegan2")}
    for title, recipe_class, options in (
        ("dcgan", DCGANRecipe, DCGANOptions()),
        ("conditional-dcgan", ConditionalDCGANRecipe, ConditionalDCGANOptions()),
        ("stylegan-64-light", StyleGANRecipe, StyleGANOptions(**light["stylegan"])),
        ("stylegan2-64-light", StyleGAN2Recipe, StyleGAN2Options(**light["stylegan2"])),
    ):
        _report(title, {"plain": PlainLoop(recipe_class(options)), "ours": Trainer(recipe_class(options), "cpu")}, options)
    options = StyleGAN2Options(**light["stylegan2"])
    helped = replace(options, helper="efficientnet-lite0")
    rivals = {"alone": options, "helped": helped}
    _report("stylegan2-64-light", {name: Trainer(StyleGAN2Recipe(each), "cpu") for name, each in rivals.items()}, options)


def _report(title: str, rivals: dict[str, PlainLoop | Trainer], options: TrainOptions) -> None:
    """Print images per second of two rivals, and their ratio."""
    images = torch.randint(0, 256, (options.batch, 3, 64, 64), dtype=torch.uint8)
    floats = images.float() / 127.5 - 1
    labels = None
    for loop in rivals.values():
        loop.progress["images_seen"] = _STEPS
        if loop.recipe.conditional:
            labels = torch.stack([torch.randint(0, n, (options.batch,)) for n in LABEL_DIMS], 1)

    def seconds_at(step: int, rounds: int) -> dict[str, float]:
        """Median seconds of that step, repeated, of both."""

        def take(loop: PlainLoop | Trainer) -> None:
            loop.progress["steps"] = step
            loop.step(images if isinstance(loop, Trainer) else floats, labels)

        return seconds_each({name: partial(take, loop) for name, loop in rivals.items()}, rounds)

    seconds = seconds_at(1, _ROUNDS)
    if isinstance(options, StyleBasedOptions):
        penalized, fraction = seconds_at(_STEPS, _PENALTY_ROUNDS), 1 / options.r1_interval
        seconds = {name: (1 - fraction) * value + fraction * penalized[name] for name, value in seconds.items()}
    speeds = "   ".join(f"{name} {options.batch / value:6.1f} images/s" for name, value in seconds.items())
    first, second = seconds.values()
    print(f"  {title:18} {speeds}   {first / second:5.2f} x")


if __name__ == "__main__":
    main()
