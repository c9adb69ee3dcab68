"""Validation of requests: each value is checked against its control before any work begins.

The page itself only sends valid values.
"""

import inspect
import math
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.block_function import BlockFunction
from gradio.utils import get_upload_folder

from animegen_core.data.decoding import short_side
from animegen_core.errors import AnimeGenError, quote

_SELECT = {"index": (int,)}  # of a gallery
_TYPES = {int: "a whole number", float: "a number", str: "a text"}
_MOST_TEXT = 2000  # characters of a text; longer than a list of 64 seeds
_MOST_NUMBER = 2**53  # larger whole numbers are not exact in JSON


class ArgumentError(AnimeGenError):
    """An argument has a wrong type or is out of range.

    Attributes:
        detail: the answer's, as Gradio's clients read it: a verdict on each argument up to the wrong one. The page shows it at
            the control of the same place.
    """

    def __init__(self, name: str, value: Any, wanted: str, place: int) -> None:
        super().__init__(f"{name} is {quote(value)}, but must be {wanted}.")
        good = {"is_valid": True, "message": ""}
        wrong = {"__type__": "validate", "is_valid": False, "parameter_name": name, "message": str(self)}
        self.detail = [good] * place + [wrong]


def check_call(demo: gr.Blocks, function: BlockFunction, body: dict[str, Any]) -> None:
    """Check the arguments of a call.

    Args:
        demo: the page.
        function: a function of the page.
        body: "data", the arguments in order; and "event_data".

    Raises:
        ArgumentError: the first wrong argument.
        AnimeGenError: there are too many or too few.
    """
    if function.fn is None:
        raise AnimeGenError("This function runs only in the page.")
    data = body.get("data")
    if not isinstance(data, list) or (len(data) != len(function.inputs) and not function.cancels):
        count = f"a list of {len(data)}" if isinstance(data, list) else quote(data)
        raise AnimeGenError(f"'data' is {count}, but must be a list of {len(function.inputs)} values.")
    if function.collects_event_data:
        _check_event(demo, function, body.get("event_data"))
    for place, (name, control, value) in enumerate(zip(_names(function), function.inputs, data)):
        wanted = None if isinstance(control, gr.State) else _wanted(control, value)  # a state's value stays here
        if wanted is not None:
            raise ArgumentError(name, value, wanted, place)


def fetched_address(body: Any) -> str | None:
    """The first URL in a request that Gradio would download as a file."""
    return next((value["path"] for value in _within(body) if _is_file(value) and "://" in value["path"]), None)


def _within(body: Any) -> Iterator[Any]:
    """Yield a JSON value and all nested values."""
    waiting = [body]
    while waiting:
        value = waiting.pop()
        yield value
        if isinstance(value, dict | list):
            waiting.extend(value.values() if isinstance(value, dict) else value)


def _names(function: BlockFunction) -> list[str]:
    """Names of the arguments: as in the documentation of an endpoint, or the labels of the controls."""
    if function.api_visibility == "public":
        return list(inspect.signature(function.fn).parameters)
    return [getattr(control, "label", None) or type(control).__name__ for control in function.inputs]


def _check_event(demo: gr.Blocks, function: BlockFunction, event: Any) -> None:
    """Check that an event of the page's own components has their declared fields (see ``components``)."""
    if not isinstance(event, dict):
        raise AnimeGenError(f"'event_data' is {quote(event)}, but must be an object that says what was chosen.")
    if any(_is_file(one) and not _lies_here(one["path"]) for one in _within(event)):
        raise AnimeGenError("'event_data' names a file that was not uploaded.")
    for number, kind in function.targets:
        declared = getattr(demo.blocks.get(number), "event_fields", {"select": _SELECT})
        for field, types in declared.get(kind, {}).items():
            if isinstance(event.get(field), bool) or not isinstance(event.get(field), types):
                names = " or ".join(_TYPES[one] for one in types)
                raise AnimeGenError(f"'{field}' of 'event_data' is {quote(event.get(field))}, but must be {names}.")


def _wanted(control: gr.Component, value: Any) -> str | None:
    """The required type of a control's value, if this value has another; else None."""
    for kinds, rule in _RULES:
        if isinstance(control, kinds):
            return rule(control, value)
    return "something else than a file" if _is_file(value) else None


def _number(control: gr.Number | gr.Slider, value: Any) -> str | None:
    """A number field may be empty, a slider not."""
    if value is None and isinstance(control, gr.Number):
        return None
    most = _MOST_NUMBER if control.maximum is None else control.maximum
    good = _is_number(value) and control.minimum <= value <= most
    return None if good else f"a number from {control.minimum} to {most}"


def _switch(control: gr.Checkbox, value: Any) -> str | None:
    return None if isinstance(value, bool) else "true or false"


def _text(control: gr.Textbox, value: Any) -> str | None:
    good = isinstance(value, str) and len(value) <= _MOST_TEXT
    return None if good else f"a text of at most {_MOST_TEXT} characters"


def _several(control: gr.CheckboxGroup, value: Any) -> str | None:
    choices = [choice for _, choice in control.choices]
    good = isinstance(value, list) and len(value) <= len(choices) and all(one in choices for one in value)
    return None if good else f"a list of some of: {', '.join(map(str, choices))}"


def _one(control: gr.Radio | gr.Dropdown, value: Any) -> str | None:
    if getattr(control, "allow_custom_value", False):
        return None if value is None else _text(control, value)
    choices = [choice for _, choice in control.choices]
    empty = value is None and isinstance(control, gr.Dropdown)  # a radio always has a value
    return None if empty or value in choices else f"one of: {', '.join(map(str, choices))}"


def _upload(control: gr.File | gr.UploadButton, value: Any) -> str | None:
    return None if value is None or _is_upload(value) else "a file that was uploaded"


def _picture(control: gr.Image, value: Any) -> str | None:
    if value is None:
        return None
    try:
        if _is_upload(value) and short_side(Path(value["path"]).read_bytes()):
            return None
    except Exception:  # PIL raises all kinds of errors for files that are no images
        pass
    return "an image file, such as a PNG or JPEG"


_RULES = (
    ((gr.Number, gr.Slider), _number),
    ((gr.Checkbox,), _switch),
    ((gr.Textbox,), _text),
    ((gr.CheckboxGroup,), _several),
    ((gr.Radio, gr.Dropdown), _one),
    ((gr.File, gr.UploadButton), _upload),
    ((gr.Image,), _picture),
)


def _is_number(value: Any) -> bool:
    return (
        isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value) and abs(value) <= _MOST_NUMBER
    )


def _is_file(value: Any) -> bool:
    """Whether Gradio would treat the value as a file."""
    return isinstance(value, dict) and isinstance(value.get("path"), str)


def _is_upload(value: Any) -> bool:
    """Whether a value names a file that lies where Gradio puts uploads."""
    return _is_file(value) and value.get("meta") == {"_type": "gradio.FileData"} and _lies_here(value["path"])


def _lies_here(path: str) -> bool:
    try:
        resolved = Path(path).resolve()
        return (
            resolved.is_relative_to(Path(get_upload_folder()).resolve()) and resolved.is_file() and os.access(resolved, os.R_OK)
        )
    except (OSError, ValueError):  # a name that no file can have
        return False
