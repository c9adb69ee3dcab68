"""DCGAN training step: ours against the plain fp32 loop of the PyTorch DCGAN tutorial.

Both train the same networks at the reference sizes on batches of 128. The tutorial's loop has
float32, the default memory layout, unfused Adam, a loss after a sigmoid, two separate backward passes for the discriminator,
and gradients for the discriminator's weights also in the generator's update.
"""

import torch
from torch import nn

from animegen_core.models.dcgan import Discriminator, Generator
from animegen_core.training.options import DCGANOptions
from animegen_core.training.recipes import DCGANRecipe
from animegen_core.training.trainer import Trainer
from benchmarks.timing import seconds_each

_ROUNDS = 15


class TutorialLoop:
    """The loop of the tutorial."""

    def __init__(self, options: DCGANOptions):
        self.latent_dim = options.latent_dim
        self.generator, self.discriminator = Generator(options.latent_dim), nn.Sequential(Discriminator(), nn.Sigmoid())
        self.criterion = nn.BCELoss()
        adam = dict(lr=options.lr, betas=(options.beta1, options.beta2))
        self.optimizer_d = torch.optim.Adam(self.discriminator.parameters(), **adam)
        self.optimizer_g = torch.optim.Adam(self.generator.parameters(), **adam)

    def step(self, real: torch.Tensor) -> None:
        """One update of each network for float images in [-1, 1]."""
        size = len(real)
        self.discriminator.zero_grad()
        self.criterion(self.discriminator(real), torch.full((size,), 0.9)).backward()
        fake = self.generator(torch.randn(size, self.latent_dim))
        self.criterion(self.discriminator(fake.detach()), torch.zeros(size)).backward()
        self.optimizer_d.step()
        self.generator.zero_grad()
        self.criterion(self.discriminator(fake), torch.ones(size)).backward()
        self.optimizer_g.step()


def main() -> None:
    """Print images per second of both and their ratio."""
    options = DCGANOptions()
    ours, tutorial = Trainer(DCGANRecipe(options), "cpu"), TutorialLoop(options)
    pictures = torch.randint(0, 256, (options.batch, 3, 64, 64), dtype=torch.uint8)
    floats = pictures.float() / 127.5 - 1
    seconds = seconds_each({"tutorial, fp32": lambda: tutorial.step(floats), "ours": lambda: ours.step(pictures)}, _ROUNDS)
    for name, value in seconds.items():
        print(f"  {name:16} {options.batch / value:7.1f} images/s  {seconds['tutorial, fp32'] / value:5.2f} x")


if __name__ == "__main__":
    main()
