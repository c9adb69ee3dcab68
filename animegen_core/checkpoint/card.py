"""Model cards: the README.md of a checkpoint, with front matter for the Hugging Face Hub."""

import json
import re
from typing import Any

from animegen_core.errors import AnimeGenError

_USAGE = """
## Use

```python
from animegen_core import Character, Studio

Studio.load("{}").render(Character(seed=42)).save("face.png")
```
"""


def model_card(name: str, config: dict[str, Any], parameters: int) -> str:
    """A card made from the config.

    Args:
        name: the title; for "user/repo" the card also has Python that loads it.
        config: the contents of config.json.
        parameters: number of the generator's parameters.
    """
    options = ", ".join(f"{key} {value}" for key, value in config["generator"].items())
    front_matter = "\n".join(f"{key}: {json.dumps(value)}" for key, value in _front_matter(config).items())  # also YAML
    return f"""---
{front_matter}
---
# {name.rpartition("/")[2]}

A {config["family"]} generator of AnimeGen: faces of {config["resolution"]} px, {parameters:,} parameters.

- Trained on: {config["trained_on"]}
- Real pictures shown to the discriminator: {config["images_seen"]:,}
- Options: {options}
- Weights: exponential moving average, half precision, safetensors
{_USAGE.format(name) if "/" in name else ""}"""


def complete_front_matter(card: str, config: dict[str, Any]) -> str:
    """The card with missing entries of its front matter added; existing text stays.

    Raises:
        AnimeGenError: the front matter is not YAML.
    """
    from huggingface_hub import ModelCard

    try:
        written = ModelCard(card if card.startswith("---") else f"---\n{{}}\n---\n{card}")
    except Exception as error:  # errors of YAML, and of the Hub's client
        raise AnimeGenError("The front matter of README.md is not readable YAML; correct it or delete the file.") from error
    wanted = _front_matter(config)
    tags = written.data.get("tags") or []
    written.data["tags"] = [*tags, *(tag for tag in wanted.pop("tags") if tag not in tags)]
    if written.data.get("license"):
        wanted = {key: value for key, value in wanted.items() if not key.startswith("license")}
    for key, value in wanted.items():
        written.data[key] = written.data.get(key) or value
    return str(written)


def _front_matter(config: dict[str, Any]) -> dict[str, Any]:
    licence = config["licence"]
    known = re.fullmatch(r"[a-z][a-z0-9.+-]*", licence)  # the form of the Hub's identifiers; all others become "other"
    return {
        "license": licence if known else "other",
        **({} if known else {"license_name": licence}),
        "library_name": "animegen",
        "pipeline_tag": "unconditional-image-generation",
        "tags": ["animegen", "gan", "anime", config["family"]],
    }
