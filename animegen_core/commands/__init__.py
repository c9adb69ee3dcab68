"""Both command lines: ``python -m animegen_core`` (``main``) and ``train.py`` (``training``)."""
