"""The report's plots, as PNGs."""

import io
from collections.abc import Callable
from typing import Any

from animegen_core.evaluation.colours import ALL, EVERY_PAIR
from animegen_core.evaluation.results import Evaluation

_REAL, _FACES = "tab:grey", "tab:pink"


def plots(evaluation: Evaluation) -> dict[str, bytes]:
    """PNGs by caption."""
    curves = evaluation.curves
    found = {
        "Faces and real images on the first two principal components of real features": _plot(_map, curves["map"]),
        "Distance to the nearest real image": _plot(_nearest, curves["nearest"]),
        "Energy of detail, from coarse to fine": _plot(_spectrum, curves["spectrum"]),
    }
    if evaluation.colours:
        found["Fraction of faces with the chosen colour; marks are real images"] = _plot(_colours, evaluation.colours, 7)
    return found


def _plot(draw: Callable[[Any, Any], None], data: Any, height: float = 3.6) -> bytes:
    from matplotlib.figure import Figure  # slow to import

    figure = Figure(figsize=(6, height), layout="constrained")
    axes = figure.add_subplot()
    draw(axes, data)
    if axes.get_legend_handles_labels()[1]:
        axes.legend()
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=110, metadata={"Software": None})
    return stream.getvalue()


def _map(axes: Any, points: dict[str, list]) -> None:
    for name, colour in (("real", _REAL), ("faces", _FACES)):
        axes.scatter(*zip(*points[name]), s=6, color=colour, label=name, alpha=0.6)


def _nearest(axes: Any, distances: dict[str, list]) -> None:
    most = max(map(max, distances.values()))
    for name, colour in (("real", _REAL), ("faces", _FACES)):
        axes.hist(distances[name], bins=40, range=(0, most), color=colour, label=name, alpha=0.6)
    axes.set(xlabel="distance", ylabel="pictures")


def _spectrum(axes: Any, spectrum: dict[str, list]) -> None:
    for name, colour in (("real", _REAL), ("faces", _FACES)):
        axes.semilogy(spectrum["frequency"], spectrum[name], color=colour, label=name)
    axes.set(xlabel="cycles per pixel", ylabel="power")


def _colours(axes: Any, attributes: dict[str, dict]) -> None:
    rows = [
        (f"{attribute}: {colour}", score)
        for attribute, scores in attributes.items()
        for colour, score in scores.items()
        if score.drawn
    ][::-1]
    drawn = [score.drawn for _, score in rows]
    errors = [[d.value - d.low for d in drawn], [d.high - d.value for d in drawn]]
    shades = [_REAL if name.endswith((ALL, EVERY_PAIR)) else _FACES for name, _ in rows]
    axes.barh([name for name, _ in rows], [d.value for d in drawn], xerr=errors, color=shades, ecolor="0.4")
    known = [(score.real, name) for name, score in rows if score.real is not None]
    axes.plot(*zip(*known) if known else ([], []), "k|", markersize=9)
    axes.set(xlim=(0, 1))
