"""Faces from a running studio, over HTTP: start python app.py first, then python examples/api_client.py [ADDRESS]"""

import sys

from gradio_client import Client

client = Client(sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:7860")
for face in client.predict(seed=41, faces=4, api_name="/generate"):
    print(face["caption"], face["image"])
