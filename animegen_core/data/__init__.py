"""From folders and zips of images to a uint8 cache on disk to batches."""

from animegen_core.data.cache import PictureCache, load_pictures
from animegen_core.data.loader import PictureDataset, make_loader, random_flip
from animegen_core.images import to_model_range

__all__ = ["PictureCache", "PictureDataset", "load_pictures", "make_loader", "random_flip", "to_model_range"]
