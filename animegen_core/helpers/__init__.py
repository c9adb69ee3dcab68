"""The small networks that serve: feature network, colour classifiers, upscaler."""
