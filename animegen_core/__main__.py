"""python -m animegen_core ..."""

from animegen_core.commands.main import app

app(prog_name="python -m animegen_core")
