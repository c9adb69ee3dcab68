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


@pytest.fixture
def tags(pictures):
    """A tag file of all of the pictures."""
    path = pictures.parent / "tags.csv"
    rows = [f"{p.name},{'pink' if i % 2 else ''},blue" for i, p in enumerate(sorted(pictures.iterdir()))]
    path.write_text("\n".join(["file,hair,eyes", *rows]))
    return path
