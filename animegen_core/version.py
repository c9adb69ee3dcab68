"""The program's version, which descriptions carry."""

__version__ = "0.1.0"
