"""The helper: a second discriminator, of trained heads on the frozen features of a pretrained network.

Vision-aided GAN (Kumari et al. 2022, https://arxiv.org/abs/2112.09130, eq. 3) keeps the discriminator that sees pixels;
Projected GANs (Sauer et al. 2021, https://arxiv.org/abs/2111.01007) leave it out.
"""

from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor, nn

from animegen_core.models.projected import ProjectedDiscriminator, ProjectedFeatures
from animegen_core.training import losses
from animegen_core.training.augment import augment
from animegen_core.training.options import TrainOptions
from animegen_core.training.recipes.base import Stats, mean_probabilities

BETAS = (0.0, 0.99)  # of the heads' Adam
_HOLE = 1 / 3  # of the side; smaller than for the own discriminator, because features have large receptive fields


class Helper(nn.Module):
    """Frozen features and trained heads. ``state_dict`` has the heads and the features' standard deviations.

    Args:
        options: of the run, with ``helper`` set.
        label_dims: number of values of each attribute; empty for a family without labels.

    Raises:
        AnimeGenError: the features' packages are not installed.
    """

    def __init__(self, options: TrainOptions, label_dims: Sequence[int] = ()) -> None:
        super().__init__()
        self.options = options
        self.features = ProjectedFeatures(options.helper, options.helper_size)
        self.heads = ProjectedDiscriminator(self.features.shapes, label_dims)
        self._calibrated = False  # a copy of the buffer, because reading that at every step would make a GPU wait

    @property
    def calibrated(self) -> bool:
        """Whether the features' standard deviations are known."""
        self._calibrated = self._calibrated or bool(self.features.deviations.all())
        return self._calibrated

    def see(self, images: Tensor) -> list[Tensor]:
        """Feature maps of augmented images (N, 3, H, W) in [-1, 1].

        With ``helper_detail`` images are reduced first, by the mean of each area. StyleGAN-XL (Sauer et al. 2022,
        https://arxiv.org/abs/2202.00273, Section 3.1) blurs them for the same reason: else the heads tell fakes by fine details
        alone.
        """
        detail = self.options.helper_detail
        if detail is not None and detail < images.shape[-1]:
            images = F.adaptive_avg_pool2d(images, detail)
        return self.features(augment(images, self.options.helper_operations, 1.0, _HOLE))

    def loss(self, real: list[Tensor], fake: list[Tensor], labels: Tensor | None) -> tuple[Tensor, Stats]:
        """The heads' hinge loss, a scalar, for feature maps of real and fake images with the same labels; and scores for the
        log.
        """
        real_logits = self.heads(real, labels)
        fake_logits = self.heads([x.detach() for x in fake], labels)
        loss = losses.hinge_discriminator_loss(real_logits, fake_logits)
        return loss, mean_probabilities(helper_real_score=real_logits, helper_fake_score=fake_logits) | {
            "loss_helper": loss.detach()
        }

    def generator_loss(self, fake: list[Tensor], labels: Tensor | None) -> Tensor:
        """The generator's weighted loss, a scalar, for feature maps of fakes; gradients reach the generator."""
        return self.options.helper_weight * losses.hinge_generator_loss(self.heads(fake, labels))
