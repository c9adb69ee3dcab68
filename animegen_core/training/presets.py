"""Presets: options that go together. Those of bundled checkpoints are what these were trained with.

``checkpoints/NAME/options.json`` has a bundled checkpoint's options: of its last stage, where there were several. The command
in its card names the preset and repeats them; a test compares the two.
"""

from typing import Any

from animegen_core.errors import AnimeGenError

# What the presets with a pretrained helper have in common.
_HELPED: dict[str, Any] = dict(
    mapping_depth=4, augment="none", layer_noise=False, loss="relativistic", lr=1e-3, ema_kimg=3.0, ema_rampup=10.0,
    label_ramp_kimg=0.0, label_dropout=0.3, label_groups=True, label_weight=0.4, helper="efficientnet-lite0", helper_weight=2.5,
    helper_lr=5e-4, helper_warmup_kimg=0.0, save_interval=1.0,
)  # fmt: skip
_HELPED_64 = _HELPED | dict(resolution=64, batch=32, channel_base=2048, r1_gamma=0.15, r2_gamma=0.15)
_HELPED_PORTRAITS = _HELPED | dict(batch=16, lr=7e-4, channel_base=4096, channel_base_d=2048, augment="translation,cutout")

# A name begins with its family; light and helped ones are for a CPU, the others for a GPU.
PRESETS: dict[str, dict[str, Any]] = {
    "dcgan-64": dict(save_interval=4.0),
    # Begin with --init-from dcgan-64 or conditional-dcgan-64.
    "conditional-dcgan-64": dict(lr=5e-5, lr_d=2e-4, mismatch_weight=0.5, label_sampling="sqrt"),
    # The sizes of the literature.
    "stylegan-64": dict(resolution=64, ema_kimg=20.0),
    "stylegan-64-light": dict(
        resolution=64, batch=32, latent_dim=256, mapping_depth=4, channel_base=2048, channel_max=256, layers_per_block=2,
        augment="none", layer_noise=False, loss="relativistic", r2_gamma=0.3, lr=2e-3, ema_kimg=4.0, ema_rampup=0.5,
        save_interval=1.0,
    ),
    "stylegan2-64-light": dict(
        resolution=64, batch=32, mapping_depth=4, channel_base=2048, group_size=8, augment="none", label_ramp_kimg=150.0,
        save_interval=1.0,
    ),
    # Begin the first with --init-from stylegan2-64, whose helper has learned already, each other one with a run of the one
    # before. All but the first are for some thousand portraits.
    "stylegan2-64-helped": _HELPED_64,
    "stylegan2-64-portraits": _HELPED_64 | dict(augment="translation"),
    "stylegan2-128-helped": dict(**_HELPED_PORTRAITS, resolution=128, r1_gamma=0.5, r2_gamma=0.5),
    "stylegan2-256-helped": dict(**_HELPED_PORTRAITS, resolution=256, r1_gamma=1.5, r2_gamma=1.5),
    "stylegan2-64": dict(
        resolution=64, batch=128, channel_base=8192, ema_kimg=20.0, r1_gamma=0.1, style_mixing=0.5, label_ramp_kimg=600.0,
    ),
    # Begin with --init-from a 64 px run of the same channel base: of stylegan2-64-light, and of stylegan2-64.
    "stylegan2-128-light": dict(
        resolution=128, upscale_small=True, batch=32, lr=1e-3, mapping_depth=4, channel_base=2048, augment="none",
        layer_noise=False, loss="relativistic", r2_gamma=0.3, ema_kimg=4.0, ema_rampup=1.0, label_ramp_kimg=0.0,
        label_dropout=0.3, label_groups=True, label_weight=0.4, save_interval=1.0,
    ),
    "stylegan2-128": dict(
        resolution=128, batch=64, channel_base=8192, ema_kimg=20.0, style_mixing=0.5, path_length_weight=2.0,
        path_length_start_kimg=800.0, label_ramp_kimg=0.0,
    ),
    # For some thousand portraits; begin with --init-from a 128 px run.
    "stylegan2-256": dict(
        resolution=256, batch=32, lr=1.5e-3, channel_base=8192, r1_gamma=2.0, style_mixing=0.5, augment="translation,cutout",
        label_ramp_kimg=0.0,
    ),
    "vae-64": dict(resolution=64, lr_decay_kimg=40.0, save_interval=2.0),
    "vae-128": dict(resolution=128, save_interval=4.0),
}  # fmt: skip


def presets_of(family: str) -> list[str]:
    """Names of a family's presets."""
    return [name for name in PRESETS if name.startswith(f"{family}-")]


def preset(name: str, family: str) -> dict[str, Any]:
    """The options that a preset sets.

    Raises:
        AnimeGenError: the family has no preset of that name.
    """
    if name not in presets_of(family):
        raise AnimeGenError(f"Unknown preset {name!r} of {family}; known are: {', '.join(presets_of(family))}.")
    return PRESETS[name]
