"""Exports a checkpoint as one ONNX file (https://onnx.ai), for games and web pages without Python.

The graph draws N characters as ``renderers`` does. Its inputs:

- ``z`` (N, D), float32: ``latents.seed_to_z`` of each seed;
- ``psi`` (), float32: creativity;
- ``labels`` (N, 2), int32, of conditional checkpoints: indices of hair and eye colour in ``labels.HAIR`` and ``EYES``, -1 any;
- ``noise`` (N, M), float32, of style-based checkpoints: ``latents.seed_to_noise`` of each seed.

The output is ``picture`` (N, 3, H, W), float32 in [-1, 1]. The metadata has colours, training data, licence and the weights'
hash.
"""

import copy
import json
import warnings
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import torch
from torch import Tensor, nn

from animegen_core.checkpoint import Checkpoint
from animegen_core.errors import AnimeGenError, quote
from animegen_core.families import Capabilities
from animegen_core.files import atomic_path
from animegen_core.labels import ANY, EYES, HAIR, LABEL_DIMS
from animegen_core.latents import seed_to_noise, seeds_to_z
from animegen_core.models.layers import LabelEmbedding
from animegen_core.models.stylegan import StyleBasedGenerator
from animegen_core.renderers import mean_face, truncated

TOLERANCE = 1e-3  # between images of ONNX Runtime and PyTorch: an eighth of a level of 8-bit colour
_PACKAGES = ("onnx", "onnxscript", "onnxruntime")  # for the format, for torch.onnx, and for the check


@dataclass(frozen=True)
class Exported:
    """An exported file.

    Attributes:
        size: of the file in bytes.
        inputs: shape of each input, "N" for the number of faces.
        difference: the largest difference between images of ONNX Runtime and PyTorch, in [-1, 1].
    """

    size: int
    inputs: dict[str, tuple[int | str, ...]]
    difference: float


def export_onnx(checkpoint: Checkpoint, path: str | Path) -> Exported:
    """Write a checkpoint as an ONNX file, atomically, after checking that ONNX Runtime draws the same images as PyTorch.

    The file is in float32. On a CPU with bfloat16 the studio uses that for StyleGAN2, so some values differ by a few levels of
    8-bit colour.

    Raises:
        AnimeGenError: the file's suffix is not .onnx, a package is missing, or images differ by more than ``TOLERANCE``.
    """
    path = Path(path)
    if path.suffix.lower() != ".onnx":
        raise AnimeGenError(f"An ONNX file is written as .onnx, not to {quote(path.name)}.")
    _check_packages()
    labelled = Capabilities.of(checkpoint.config["family"], checkpoint.generator.config).labels
    kind = _StyleGraph if isinstance(checkpoint.generator, StyleBasedGenerator) else _LatentGraph
    graph = kind(checkpoint.generator, labelled).eval().requires_grad_(False)
    model = _to_onnx(graph, _metadata(checkpoint, labelled))
    differences = [_difference(model, graph, seeds) for seeds in ([0], [1, 2, 3])]
    if not all(difference <= TOLERANCE for difference in differences):  # also refuses NaN
        found = " and ".join(f"{difference:.2g}" for difference in differences)
        raise AnimeGenError(f"Images of ONNX Runtime and PyTorch differ by {found}, more than {TOLERANCE:g}.")
    with atomic_path(path) as temporary:
        temporary.write_bytes(model)
    inputs = {name: ("N", *value.shape[1:]) if value.ndim else () for name, value in graph.example([0]).items()}
    return Exported(len(model), inputs, max(differences))


class _LatentGraph(nn.Module):
    """``LatentRenderer`` as a function of tensors."""

    def __init__(self, generator: nn.Module, labelled: bool) -> None:
        super().__init__()
        self.generator = generator
        self.labelled = labelled
        for index, count in enumerate(LABEL_DIMS):  # row 0 means "any": all weights are 0
            self.register_buffer(f"weights{index}", torch.eye(count + 1)[:, 1:])

    def example(self, seeds: list[int]) -> dict[str, Tensor]:
        """Example inputs for these seeds, each with other colours."""
        return _example(seeds, self.generator.latent_dim, self.labelled)

    def forward(self, z: Tensor, psi: Tensor, labels: Tensor | None = None) -> Tensor:
        """Draw images; inputs and output as in the module's docstring."""
        z = psi * z
        if labels is None:
            return self.generator(z)
        hair, eyes = (labels.long() + 1).unbind(1)
        return self.generator(z, torch.cat([self.weights0[hair], self.weights1[eyes]], 1))


class _StyleGraph(nn.Module):
    """``StyleRenderer`` as a function of tensors, without style mixing. Mean faces of all pairs of colours are constants."""

    def __init__(self, generator: StyleBasedGenerator, labelled: bool) -> None:
        super().__init__()
        self.labelled = labelled
        self.register_buffer("means", _mean_faces(generator, labelled))
        faster = hasattr(generator, "for_inference")
        self.generator = generator.for_inference(torch.float32) if faster else copy.deepcopy(generator)
        if generator.label_dims:
            self.generator.mapping.embedding = _Embedding(generator.mapping.embedding)
        self.noise_shapes = generator.noise_shapes()
        self.noise_counts = [shape[2] * shape[3] for shape in self.noise_shapes]

    def example(self, seeds: list[int]) -> dict[str, Tensor]:
        """Example inputs for these seeds, each with other colours."""
        noise = torch.stack([seed_to_noise(seed, sum(self.noise_counts)) for seed in seeds])
        return _example(seeds, self.generator.latent_dim, self.labelled) | {"noise": noise}

    def forward(self, z: Tensor, psi: Tensor, noise: Tensor, labels: Tensor | None = None) -> Tensor:
        """Draw images; inputs and output as in the module's docstring."""
        labels = None if labels is None else labels.long()
        centre = self.means[:1] if labels is None else self.means[(labels[:, 0] + 1) * (len(EYES) + 1) + labels[:, 1] + 1]
        w = truncated(centre, self.generator.map(z, labels) - centre, psi)  # (N, w_dim)
        parts = zip(noise.split(self.noise_counts, dim=1), self.noise_shapes)
        layers = [part.unflatten(1, shape[1:]) for part, shape in parts]  # (N, 1, h, w) each
        ws = w.unsqueeze(1).expand(-1, self.generator.num_layers, -1)  # (N, num_layers, w_dim)
        return self.generator.synthesize(ws, layers).clamp(-1, 1)


class _Embedding(nn.Module):
    """``LabelEmbedding`` without its checks, which depend on the labels' values and cannot be exported."""

    def __init__(self, embedding: LabelEmbedding) -> None:
        super().__init__()
        self.tables = embedding.tables

    def forward(self, labels: Tensor) -> Tensor:
        """Labels (N, attributes) to vectors (N, dim)."""
        return sum(table(labels[:, column] + 1) for column, table in enumerate(self.tables))


def _mean_faces(generator: StyleBasedGenerator, labelled: bool) -> Tensor:
    """Mean w of each pair of colours, (156, w_dim); eyes vary fastest, "any" is first. Without labels (1, w_dim)."""
    pairs = torch.cartesian_prod(*(torch.arange(ANY, count) for count in LABEL_DIMS)).split(1) if labelled else [None]
    with torch.no_grad():
        return torch.stack([mean_face(generator, pair) for pair in pairs])


def _example(seeds: list[int], latent_dim: int, labelled: bool) -> dict[str, Tensor]:
    inputs = {"z": seeds_to_z(seeds, latent_dim), "psi": torch.tensor(0.8)}
    if labelled:
        colours = [[seed % (count + 1) - 1 for count in LABEL_DIMS] for seed in seeds]
        inputs["labels"] = torch.tensor(colours, dtype=torch.int32)
    return inputs


def _metadata(checkpoint: Checkpoint, labelled: bool) -> dict[str, str]:
    """Metadata of the file: colours, training data, licence, hash."""
    colours = {"hair": json.dumps(HAIR), "eyes": json.dumps(EYES)} if labelled else {}
    if "label_frequencies" in checkpoint.config:  # for colours that are not chosen
        colours["label_frequencies"] = json.dumps(checkpoint.config["label_frequencies"])
    kept = {key: checkpoint.config[key] for key in ("family", "trained_on", "licence")}
    return {"program": "AnimeGen", "checkpoint": checkpoint.name, "checkpoint_hash": checkpoint.hash, **kept, **colours}


def _check_packages() -> None:
    missing = [name for name in _PACKAGES if find_spec(name) is None]
    if missing:
        raise AnimeGenError(f"Export needs {' and '.join(missing)}; install with: pip install {' '.join(_PACKAGES)}")


def _to_onnx(graph: nn.Module, metadata: dict[str, str]) -> bytes:
    import onnx

    example = graph.example([0, 1])
    faces = torch.export.Dim("N")
    shapes = {name: {0: faces} if value.ndim else {} for name, value in example.items()}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # deprecations inside torch
        # strict=True, because the other mode fixes len(tensor), which the networks use.
        exported = torch.export.export(graph, (), example, dynamic_shapes=shapes, strict=True)
        names = dict(input_names=list(example), output_names=["picture"])
        program = torch.onnx.export(exported, **names, dynamic_shapes=shapes, dynamo=True, verbose=False)
    model = program.model_proto
    onnx.helper.set_model_props(model, metadata)
    return model.SerializeToString()


def _difference(model: bytes, graph: nn.Module, seeds: list[int]) -> float:
    """The largest difference between images of ONNX Runtime and PyTorch for some seeds."""
    import onnxruntime

    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    inputs = graph.example(seeds)
    (drawn,) = session.run(["picture"], {name: value.numpy() for name, value in inputs.items()})
    with torch.inference_mode():
        return (torch.from_numpy(drawn) - graph(**inputs)).abs().max().item()
