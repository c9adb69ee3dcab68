"""Measures the faces of a checkpoint without downloads; docs/evaluation.md explains the figures."""

from animegen_core.evaluation.comparison import compare
from animegen_core.evaluation.measuring import evaluate

__all__ = ["compare", "evaluate"]
