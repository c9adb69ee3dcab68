"""FID, KID and Inception score, if the Inception weights are on this computer."""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from animegen_core.evaluation.distances import frechet_interval, kernel_interval
from animegen_core.evaluation.intervals import Interval, of_mean

_WEIGHTS = "weights-inception-2015-12-05-6726825d.pth"
_BATCH = 32


def inception_scores(real: np.ndarray, fake: np.ndarray) -> tuple[dict[str, Interval], str | None]:
    """Scores of uint8 images (N, H, W, 3), or none and a sentence with the reason. Nothing is downloaded."""
    weights = Path(torch.hub.get_dir()) / "checkpoints" / _WEIGHTS
    if not weights.is_file():
        return {}, f"FID, KID and IS were left out: there is no '{weights}'."
    try:
        from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3
    except ImportError:
        return {}, "FID, KID and IS were left out: torch-fidelity is not installed."
    network = FeatureExtractorInceptionV3("inception", ["2048", "logits_unbiased"], str(weights))
    return feature_scores(_outputs(network, real, "real images")[0], *_outputs(network, fake, "faces")), None


def feature_scores(real: Tensor, fake: Tensor, logits: Tensor) -> dict[str, Interval]:
    """FID, KID and IS from Inception's features of both sets, (N, 2048), and its logits of the fakes, (M, 1008)."""
    return {
        "fid": frechet_interval(real, fake),
        "kid": kernel_interval(real, fake),
        "inception_score": of_mean([_inception_score(part) for part in logits.tensor_split(10)]),
    }


def _inception_score(logits: Tensor) -> float:
    """exp E KL(p(y | x) || p(y)) (Salimans et al. 2016, section 4)."""
    log = logits.double().log_softmax(1)
    marginal = log.exp().mean(0).log()
    return float((log.exp() * (log - marginal)).sum(1).mean().exp())


@torch.inference_mode()
def _outputs(network: torch.nn.Module, pictures: np.ndarray, what: str) -> tuple[Tensor, Tensor]:
    starts = tqdm(range(0, len(pictures), _BATCH), f"Inception, {what}", unit="batch", leave=False)
    parts = [network(_bytes(pictures[start : start + _BATCH])) for start in starts]
    return torch.cat([part[0] for part in parts]), torch.cat([part[1] for part in parts])


def _bytes(pictures: np.ndarray) -> Tensor:
    return torch.from_numpy(np.array(pictures)).permute(0, 3, 1, 2)
