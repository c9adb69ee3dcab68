"""Rendering a face, for every bundled checkpoint: one alone, and 16 one after the other."""

from animegen_core.character import Character
from animegen_core.checkpoint import bundled_names
from animegen_core.studio import Studio
from benchmarks.timing import seconds_each

_ROUNDS = 30


def main() -> None:
    """Print milliseconds per call and the ratio of 16 faces to 16 calls of one."""
    for name in bundled_names():
        seconds = _seconds(Studio.load(name, "cpu"))
        one, sixteen = seconds[1] * 1e3, seconds[16] * 1e3
        print(f"  {name:16} one {one:6.1f} ms   16 {sixteen:7.1f} ms   16 / (16 x one) {sixteen / (16 * one):4.2f}")


def _seconds(studio: Studio) -> dict[int, float]:
    """Median seconds for each number of faces."""
    faces = {count: [Character(seed) for seed in range(count)] for count in (1, 16)}
    return seconds_each({n: lambda some=some: list(studio.render_many(some)) for n, some in faces.items()}, _ROUNDS)


if __name__ == "__main__":
    main()
