"""Training of the small networks that serve: colour classifiers, feature network, upscaler."""
