"""Run every benchmark and print its table."""

import platform

import torch

from benchmarks import dcgan_training, rendering, stylegan2_rendering

if __name__ == "__main__":
    print(f"torch {torch.__version__}, {platform.processor() or platform.machine()}, {torch.get_num_threads()} threads")
    for benchmark in (dcgan_training, rendering, stylegan2_rendering):
        print(f"\n{benchmark.__doc__.splitlines()[0]}")
        benchmark.main()
