"""python -m animegen_core ..."""

from animegen_core.cli import app

app(prog_name="python -m animegen_core")
