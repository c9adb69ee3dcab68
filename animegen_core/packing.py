"""A latent as text in a description: hash of the weights it belongs to, a colon, and float16 values in URL-safe base64.

A latent of z or w means nothing to other weights, so it carries their hash.
"""

import base64
import binascii
import re

import numpy as np

from animegen_core.errors import AnimeGenError, quote

MAX_LATENT = 18 * 512  # values: w of each layer of the largest StyleGAN2
_TEXT = re.compile(r"([0-9a-f]{12}):([A-Za-z0-9_-]*)")
_LIMIT = float(np.finfo(np.float16).max)


def pack_latent(checkpoint_hash: str, values: np.ndarray) -> str:
    """The text of a latent.

    Args:
        checkpoint_hash: 12 hex digits of the weights (``Checkpoint.hash``).
        values: float array of at most ``MAX_LATENT`` values, rounded to float16.

    Raises:
        AnimeGenError: a value is not a number or too large, or there are too few or too many.
    """
    values = np.asarray(values, dtype=np.float32).ravel()
    if not np.isfinite(values).all() or np.abs(values).max(initial=0) > _LIMIT:
        raise AnimeGenError("A latent has values that are not finite or too large.")
    text = f"{checkpoint_hash}:{base64.urlsafe_b64encode(values.astype('<f2').tobytes()).decode().rstrip('=')}"
    unpack_latent(text)
    return text


def unpack_latent(text: object) -> tuple[str, np.ndarray]:
    """Hash of the weights, and values, float32 (D,).

    Raises:
        AnimeGenError: it is not the text of a latent.
    """
    match = _TEXT.fullmatch(text) if isinstance(text, str) and len(text) <= _longest() else None
    try:
        data = base64.b64decode(f"{match[2]}{'=' * (-len(match[2]) % 4)}", "-_", validate=True) if match else b""
    except binascii.Error:
        data = b""
    values = np.frombuffer(data if len(data) % 2 == 0 else b"", "<f2").astype(np.float32)
    if not 0 < len(values) <= MAX_LATENT or not np.isfinite(values).all():
        raise AnimeGenError(
            f"The latent is {quote(text)}, but must be 12 hex digits of the weights, a colon, and 1 to {MAX_LATENT:,} "
            "finite float16 values in URL-safe base64."
        )
    return match[1], values


def _longest() -> int:
    return len("0123456789ab:") + -(-2 * MAX_LATENT * 4 // 3)
