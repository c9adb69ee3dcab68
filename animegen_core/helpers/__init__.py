"""The small networks: feature network, colour classifiers, upscaler."""
