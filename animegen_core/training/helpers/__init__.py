"""Training of the small networks: colour classifiers, feature network, upscaler."""
