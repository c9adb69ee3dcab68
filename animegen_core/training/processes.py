"""Distributed training: joins the processes of a launcher, and starts them where the launcher does not."""

import atexit
import os
import sys

import psutil
import torch
from accelerate import PartialState
from accelerate.commands.launch import launch_command_parser
from accelerate.utils import get_cpu_distributed_information, parse_flag_from_env

from animegen_core.devices import find_device
from animegen_core.errors import AnimeGenError


def join_processes(device: str | None = None) -> PartialState:
    """Join the processes that ``torchrun`` or ``accelerate launch`` started: by NCCL on GPUs, by gloo on CPUs.

    Args:
        device: "cpu" uses CPUs even if there are GPUs.
    """
    process = PartialState(cpu=device == "cpu" or _told_cpu() or not torch.cuda.is_available())
    if process.num_processes > 1:  # otherwise gloo's threads may outlive the interpreter, which then aborts
        atexit.register(process.destroy_process_group)
    return process


def join_on_device(device: str | torch.device | None = None) -> tuple[PartialState, torch.device]:
    """``join_processes``, and the device that this process trains on.

    Args:
        device: by default the one that the launcher assigned to this process, or CUDA if present, or the CPU.

    Raises:
        AnimeGenError: there is no such device.
    """
    process = join_processes(None if device is None else torch.device(device).type)
    alone = process.num_processes == 1  # otherwise accelerate has assigned a device to each process
    return process, find_device(device) if device is not None and alone else process.device


def start_missing_processes() -> None:
    """Start N processes for ``accelerate launch --cpu --num_processes N``, by replacing this process with torchrun.

    On CPUs accelerate starts only one process, expects MPI to start the others, and sets the address of the main process.

    Raises:
        AnimeGenError: several processes were requested without their number.
    """
    asked = _told_cpu() and "MASTER_ADDR" in os.environ
    if not asked or "RANK" in os.environ or get_cpu_distributed_information().world_size > 1:
        return
    command = psutil.Process().parent().cmdline()
    start = next((i for i, word in enumerate(command, 1) if word.endswith("launch")), len(command))
    options, _ = launch_command_parser().parse_known_args([*command[start:], ""])
    if not options.num_processes:
        raise AnimeGenError("On CPUs accelerate starts only one process: use 'torchrun --nproc_per_node 2 train.py ...'.")
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", str(options.num_processes)]
    os.execv(sys.executable, [*torchrun, *sys.argv])


def _told_cpu() -> bool:
    return parse_flag_from_env("ACCELERATE_USE_CPU")
