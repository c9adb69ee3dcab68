"""Model cards: the README.md beside a checkpoint's weights, with the front matter that the Hugging Face Hub reads."""

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
    """A card that says what the config says.

    Args:
        name: the title; "user/repo" also gets a line of Python that loads it.
        config: the contents of config.json.
        parameters: number of the generator's parameters.
    """
    options = ", ".join(f"{key} {value}" for key, value in config["generator"].items())
    front_matter = "\n".join(f"{key}: {json.dumps(value)}" for key, value in _front_matter(config).items())  # YAML holds JSON
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
    """The card with whatever its front matter lacks; what a person wrote stays.

    Raises:
        AnimeGenError: the front matter is no YAML.
    """
    from huggingface_hub import ModelCard

    try:
        written = ModelCard(card if card.startswith("---") else f"---\n{{}}\n---\n{card}")
    except Exception as error:  # YAML's own, and whatever the Hub's client finds wrong
        raise AnimeGenError("The front matter of README.md is not readable YAML; mend it or delete the file.") from error
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
    known = re.fullmatch(r"[a-z][a-z0-9.+-]*", licence)  # as the Hub writes identifiers; it wants all others as "other"
    return {
        "license": licence if known else "other",
        **({} if known else {"license_name": licence}),
        "library_name": "animegen",
        "pipeline_tag": "unconditional-image-generation",
        "tags": ["animegen", "gan", "anime", config["family"]],
    }
