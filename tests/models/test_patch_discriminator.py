"""A PatchGAN judges patches of the size that it says, each by itself."""

import pytest
import torch

from animegen_core.errors import AnimeGenError
from animegen_core.models import patch_discriminator
from animegen_core.models.patch_discriminator import PatchDiscriminator


@pytest.mark.parametrize(("halvings", "patch"), [(1, 16), (2, 34), (3, 70)])
def test_a_logit_sees_a_patch_of_the_size_that_papers_give(halvings, patch, monkeypatch):
    monkeypatch.setattr(patch_discriminator, "instance_norm", lambda features: features)  # its statistics see the whole image
    torch.manual_seed(0)
    image = torch.zeros(1, 3, 128, 128, requires_grad=True)
    logits = PatchDiscriminator(4, halvings)(image)
    middle = logits.shape[-1] // 2
    (gradient,) = torch.autograd.grad(logits[0, 0, middle, middle], image)
    rows = gradient.abs().sum((0, 1, 3)).nonzero()
    assert int(rows.max() - rows.min()) + 1 == patch


def test_an_image_is_judged_alone():
    torch.manual_seed(0)
    network = PatchDiscriminator(4, 2).eval()
    images = torch.rand(3, 3, 40, 40)
    torch.testing.assert_close(network(images)[1:2], network(images[1:2]))


def test_sizes_out_of_range_are_refused():
    with pytest.raises(AnimeGenError, match="halvings is 0, but must be"):
        PatchDiscriminator(4, 0)
