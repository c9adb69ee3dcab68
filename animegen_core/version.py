"""The program's version, included in descriptions."""

__version__ = "0.1.0"
