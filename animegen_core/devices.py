"""The device on which networks run, and its settings for speed."""

import contextlib
import ctypes

import torch

from animegen_core.errors import AnimeGenError

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # malloc.h


def find_device(name: str | torch.device | None) -> torch.device:
    """The device of that name; by default CUDA if present, else the CPU.

    Raises:
        AnimeGenError: there is no such device here.
    """
    try:
        device = torch.device(name or ("cuda" if torch.cuda.is_available() else "cpu"))
        torch.zeros(1, device=device).cpu()  # raises on the meta device
    except (RuntimeError, AssertionError, NotImplementedError) as error:  # the type depends on torch's build
        raise AnimeGenError(f"Device '{name}' is not available; try cpu, or cuda with a GPU.") from error
    return device


def autocast_dtype(precision: str, device: torch.device) -> torch.dtype | None:
    """bfloat16, or None for float32. "auto" means bfloat16 if the device computes it in hardware."""
    if precision == "fp32":
        return None
    if precision == "bf16":
        return torch.bfloat16
    if device.type == "cuda":
        native = torch.cuda.is_bf16_supported(including_emulation=False)
    elif device.type == "cpu":
        native = torch.cpu.get_capabilities().get("avx512_bf16", False) if hasattr(torch.cpu, "get_capabilities") else False
    else:
        native = False
    return torch.bfloat16 if native else None


def keep_freed_memory() -> None:
    """Make glibc keep freed memory for the next step instead of returning it to the system. Other C libraries: no effect.

    Each training step frees and allocates the same gigabyte, and the system must zero each returned page. Keeping the memory
    made the DCGAN's step 9 % faster on two cores.
    """
    with contextlib.suppress(AttributeError, OSError):  # the C library has no mallopt
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(_M_MMAP_THRESHOLD, 2**30)
        mallopt(_M_TRIM_THRESHOLD, 2**31 - 1)


def return_freed_memory() -> None:
    """Make glibc return free memory to the system. Other C libraries: no effect."""
    with contextlib.suppress(AttributeError, OSError):
        ctypes.CDLL(None).malloc_trim(0)
