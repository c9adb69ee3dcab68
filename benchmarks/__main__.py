"""Run every benchmark and print its table."""

import platform

import torch

from benchmarks import dcgan_training, rendering, studio_app, studio_load, stylegan2_rendering, training, upscaling

if __name__ == "__main__":
    print(f"torch {torch.__version__}, {platform.processor() or platform.machine()}, {torch.get_num_threads()} threads")
    for benchmark in (dcgan_training, training, rendering, stylegan2_rendering, upscaling, studio_app, studio_load):
        print(f"\n{benchmark.__doc__.splitlines()[0]}")
        benchmark.main()
