"""What several files of this folder share."""

import pytest

from animegen_core.models import dcgan
from animegen_core.training.recipes import DCGANRecipe


@pytest.fixture
def tiny(monkeypatch):
    """Networks of few channels for runs in this process."""

    def build(recipe):
        variant = dict(extra_layers=recipe.options.extra_layers, batch_norm=recipe.options.batch_norm)
        return dcgan.Generator(recipe.options.latent_dim, 4, **variant), dcgan.Discriminator(4, **variant)

    monkeypatch.setattr(DCGANRecipe, "build", build)
