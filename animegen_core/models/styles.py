"""Which layers of a style-based generator are coarse, middle and fine."""

CROSSOVERS = (16, 64)  # px: coarse styles are those of 4 and 8 px, middle of 16 and 32 px, fine of 64 px and up


def doublings(size: int) -> int:
    """Number of doublings from 4 px to ``size`` px, a power of two from 4."""
    return size.bit_length() - (4).bit_length()


def doubled(times: int) -> int:
    """The size in px after so many doublings of 4 px."""
    return 4 << times


def first_layer(size: int, layers_per_block: int, num_layers: int) -> int:
    """The first layer at ``size`` px, a power of two from 4, or ``num_layers`` if there is none.

    Args:
        layers_per_block: layers at each size from 4 px on.
        num_layers: of the generator.
    """
    return min(doublings(size) * layers_per_block, num_layers)
