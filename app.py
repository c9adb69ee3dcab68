"""The studio: python app.py, then open http://127.0.0.1:7860

A Hugging Face Space runs this same file. ``python app.py --help`` lists the flags and environment variables;
``animegen_core/ui/settings.py`` defines them.
"""

import os
import sys
import threading

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")  # gradio reads it when it is imported

try:
    import spaces  # exists on a Space only; import it before torch
except ImportError:
    spaces = None

from animegen_core.errors import AnimeGenError
from animegen_core.helpers.upscaling import loaded_enlarger, upscaler_available
from animegen_core.studio import Studio
from animegen_core.ui import build_app, launch_options
from animegen_core.ui.first_faces import draw_first_faces
from animegen_core.ui.settings import read_command_line
from animegen_core.ui.studios import Studios

if spaces is not None:
    spaces.disable_gradio_auto_wrap()  # handlers must stay in the process with the drawing thread

    @spaces.GPU
    def declare_gpu() -> None:
        """Never called. ZeroGPU stops a Space without a GPU function, but faces are drawn on the CPU."""


if __name__ == "__main__":
    try:
        settings, port = read_command_line()
        if upscaler_available():
            loaded_enlarger()  # says now what is wrong with ANIMEGEN_UPSCALER
        studio = Studio.load(settings.checkpoint, settings.device)
        studios = Studios(studio, hub=settings.hub)
        demo = build_app(studios, settings.queue, settings.vote)
    except AnimeGenError as error:
        print(f"Error: {error}", file=sys.stderr)
        sys.exit(2)
    threading.Thread(target=draw_first_faces, args=(studios,), daemon=True).start()
    demo.launch(**launch_options(settings.proxies), server_port=port)
