"""The processes that train together: which of them this one is, and starting them where their launcher does not."""

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
    """This process among those that ``torchrun`` or ``accelerate launch`` started; NCCL joins them on GPUs, gloo on CPUs.

    Args:
        device: "cpu" for CPUs even where there are GPUs.
    """
    process = PartialState(cpu=device == "cpu" or _told_cpu() or not torch.cuda.is_available())
    if process.num_processes > 1:  # else gloo's threads may outlive the interpreter, which then ends with an abort
        atexit.register(process.destroy_process_group)
    return process


def join_on_device(device: str | torch.device | None = None) -> tuple[PartialState, torch.device]:
    """``join_processes``, and the device that this process trains on.

    Args:
        device: by default the process's own where a launcher started several, else CUDA if present, else the CPU.

    Raises:
        AnimeGenError: there is no such device.
    """
    process = join_processes(None if device is None else torch.device(device).type)
    alone = process.num_processes == 1  # else accelerate has given each process a device of its own
    return process, find_device(device) if device is not None and alone else process.device


def start_missing_processes() -> None:
    """Do what ``accelerate launch --cpu --num_processes N`` asks for: turn this process into torchrun, which starts N.

    On CPUs accelerate itself starts one process and leaves the others to MPI. It only sets the address where they would meet.

    Raises:
        AnimeGenError: several processes were asked for, but not how many.
    """
    asked = _told_cpu() and "MASTER_ADDR" in os.environ
    if not asked or "RANK" in os.environ or get_cpu_distributed_information().world_size > 1:
        return
    command = psutil.Process().parent().cmdline()
    start = next((i for i, word in enumerate(command, 1) if word.endswith("launch")), len(command))
    options, _ = launch_command_parser().parse_known_args([*command[start:], ""])
    if not options.num_processes:
        raise AnimeGenError(
            "On CPUs accelerate starts one process and leaves others to MPI: use 'torchrun --nproc_per_node 2 train.py ...'."
        )
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", str(options.num_processes)]
    os.execv(sys.executable, [*torchrun, *sys.argv])


def _told_cpu() -> bool:
    return parse_flag_from_env("ACCELERATE_USE_CPU")
