"""The studio: python app.py, then open http://127.0.0.1:7860

A Hugging Face Space runs this same file. ``ANIMEGEN_CHECKPOINT`` names the checkpoint to open (a bundled name or a folder);
``GRADIO_SERVER_NAME`` and ``GRADIO_SERVER_PORT`` say where to listen.
"""

import os
import sys

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")  # read when gradio is imported: nothing leaves this computer

from animegen_core.errors import AnimeGenError
from animegen_core.studio import Studio
from animegen_core.ui import build_app, launch_options
from animegen_core.ui.studios import Studios

DEFAULT_CHECKPOINT = "dcgan-64"

if __name__ == "__main__":
    try:
        studio = Studio.load(os.environ.get("ANIMEGEN_CHECKPOINT", DEFAULT_CHECKPOINT))
    except AnimeGenError as error:
        print(f"Error: {error}", file=sys.stderr)
        sys.exit(2)
    build_app(Studios(studio)).launch(**launch_options())
