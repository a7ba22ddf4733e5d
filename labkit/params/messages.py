"""Turns what pydantic finds into sentences that name the file, the key, what is allowed and the next step."""

import difflib
import math
import re
import types
import typing

from pydantic import BaseModel, ValidationError

__all__ = ["Misread", "at", "model_at", "sentences", "unstated", "without_echoes", "yaml_traps"]

KINDS = {
    "string_type": "text",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "model_type": "a section with keys of its own",
    "dict_type": "a section with keys of its own",
    "tuple_type": "a list, such as [a, b]",
    "list_type": "a list, such as [a, b]",
    "none_required": "empty",
}
# What the patterns of names mean.
PATTERNS = {
    r"^[a-z0-9][a-z0-9_-]*$": "must be made of small letters, digits, - and _, and start with a letter or digit",
    r"^[a-z][a-z0-9_]*$": "must be made of small letters, digits and _, and start with a letter",
}


class Misread(int):
    """A whole number that YAML did not read in tens, with its digits as written."""

    def __new__(cls, value: int, written: str):
        made = super().__new__(cls, value)
        made.written = written
        return made


def key_of(location: tuple) -> str:
    return ".".join(str(part) for part in location)


def at(content, location: tuple):
    """The raw value at a location, None where the way ends."""
    for part in location:
        try:
            content = content[part]
        except (KeyError, IndexError, TypeError):
            return None
    return content


def sentences(error: ValidationError, content: dict, model: type[BaseModel]) -> list[str]:
    """One sentence per fault, without the name of the file; `content` is the raw YAML that `model` was built from."""
    found, faults = [], error.errors(include_url=False)
    for fault in faults:
        if fault["type"] == "too_short" and any(f["loc"][:-1] == fault["loc"] for f in faults):
            continue  # the list is short of what was refused in it, which has a sentence of its own
        location = tuple(part for part in fault["loc"] if not _is_branch(part))
        parent, leaf = location[:-1], location[-1] if location else ""
        where = key_of(location)
        if fault["type"] == "extra_forbidden":
            known = sorted(_fields_at(model, parent))
            close = difflib.get_close_matches(str(leaf), known, n=1)
            guess = f"; did you mean '{close[0]}'?" if close else "."
            prefix = f"{key_of(parent)}: " if parent else ""
            found.append(f"{prefix}'{leaf}' is not known{guess} Known: {', '.join(known)}.")
        elif fault["type"] == "missing":
            found.append(f"{where}: this key is missing; add it.")
        elif isinstance(at(content, location), bool) and fault["type"] in ("enum", "literal_error"):
            found.append(_wrong_kind(where, at(content, location), "text"))
        elif fault["type"] in KINDS:
            found.append(_wrong_kind(where, at(content, location), KINDS[fault["type"]]))
        else:
            text = PATTERNS.get(fault.get("ctx", {}).get("pattern"), fault["msg"].removeprefix("Value error, "))
            text = re.sub("^(Input|String|Tuple|Dictionary) should", "must", text).replace(" after validation", "")
            found.append(f"{where}: {text}{_shown(at(content, location))}." if where else f"{text}.")
    return list(dict.fromkeys(found))


def _is_branch(part) -> bool:
    """Whether pydantic added this part itself (the branch of a union), so that no key of the file bears it."""
    return isinstance(part, str) and bool(
        re.search(r"[\[\]()]|^(Chat)?Settings$|^(SimulatedReader|none|str|int|float)$", part)
    )


def _shown(value) -> str:
    """The value, where it is a plain short one; sections, long texts, addresses that may hold a key are not echoed."""
    if isinstance(value, str) and re.search(r"://.*[@?]", value):
        return ""
    if isinstance(value, bool | int | float) or (isinstance(value, str) and len(value) <= 40):
        return f", not {str(value).lower() if isinstance(value, bool) else repr(value)}"
    return ""


def _wrong_kind(where: str, value, kind: str) -> str:
    if isinstance(value, bool) and kind == "text":
        return (
            f"{where}: must be text, but YAML reads an unquoted yes, no, on or off as {str(value).lower()}; "
            f'put the word in quotes, such as "no".'
        )
    if isinstance(value, int | float) and kind == "text":
        return f'{where}: must be text, but YAML reads {value} as a number; put it in quotes, such as "0012".'
    if isinstance(value, str) and "number" in kind and _is_exponent(value):
        return f"{where}: must be {kind}, but YAML reads {value} as text; write it with a point, such as 1.0e-4."
    if isinstance(value, str) and "number" in kind and value.strip().lstrip("+-").isdigit():
        return f"{where}: must be {kind}, but {value} is in quotes, which makes it text; leave them out."
    return f"{where}: must be {kind}{_shown(value)}."


def _is_exponent(value: str) -> bool:
    return bool(re.fullmatch(r"[-+]?\d[\d_]*\.?\d*[eE][-+]?\d+", value.strip()))


def _models_in(annotation) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for part in typing.get_args(annotation) for model in _models_in(part)]


def model_at(model: type[BaseModel], location: tuple) -> type[BaseModel]:
    """The model of the section at a location; the model itself where the way ends."""
    for part in location:
        info = model.model_fields.get(part)
        inner = _models_in(info.annotation) if info else []
        if not inner:
            return model
        model = inner[0]
    return model


def _fields_at(model: type[BaseModel], location: tuple) -> list[str]:
    """The keys that are known at a location."""
    models = [model]
    for part in location:
        deeper = [
            found
            for m in models
            for name, info in m.model_fields.items()
            if name == part
            for found in _models_in(info.annotation)
        ]
        models = deeper or models  # an index or a free name (a site) stays at the same models
    return [name for m in models for name in m.model_fields]


def unstated(content: dict, model: type[BaseModel], location: tuple = ()) -> list[str]:
    """A sentence for every key of a section that the file does not state, though a default exists."""
    found = []
    for name, info in model.model_fields.items():
        if name not in content and not info.is_required():
            default = info.get_default(call_default_factory=True)
            found.append(
                f"{key_of((*location, name))}: this key is missing; state it, such as '{name}: {_yaml(default)}'."
            )
    return found


def without_echoes(faults: list[str]) -> list[str]:
    """The faults once each, without 'key is missing' for a key that is there but misspelt."""
    meant = {
        (found[1], found[2])
        for fault in faults
        if (found := re.match(r"(?:(\S+): )?'\S+' is not known; did you mean '(\S+)'\?", fault))
    }
    misspelt = {
        f"{section}.{key}: this key is missing" if section else f"{key}: this key is missing" for section, key in meant
    }
    return [fault for fault in dict.fromkeys(faults) if not any(fault.startswith(echo) for echo in misspelt)]


def _yaml(value) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if value is None:
        return "null"
    if isinstance(value, tuple):
        return "[" + ", ".join(_yaml(v) for v in value) + "]"
    return f"{value:g}" if isinstance(value, float) else str(value)


def yaml_traps(content, model: type[BaseModel], location: tuple = ()) -> list[str]:
    """Numbers given as text and words given as true/false, which pydantic would convert without a word."""
    if not isinstance(content, dict):
        return []
    found = []
    for name, info in model.model_fields.items():
        if name not in content:
            continue
        value, here, annotation = content[name], (*location, name), info.annotation
        wants = _plain_types(annotation)
        values = list(enumerate(value)) if isinstance(value, list) else [(None, value)]
        for index, item in values:
            spot = here if index is None else (*here, index)
            if isinstance(item, str) and wants & {int, float} and str not in wants:
                found.append(_wrong_kind(key_of(spot), item, "a whole number" if float not in wants else "a number"))
            elif isinstance(item, Misread) and wants & {int, float}:
                found.append(f"{key_of(spot)}: YAML reads {item.written} as {int(item)}; write the number plainly.")
            elif isinstance(item, float) and not math.isfinite(item):
                found.append(f"{key_of(spot)}: must be a number that is not infinite, not {item}.")
            elif isinstance(item, bool) and wants & {int, float} and bool not in wants:
                found.append(_wrong_kind(key_of(spot), item, "a number"))
            elif not isinstance(item, bool) and item is not None and wants == {bool}:
                found.append(_wrong_kind(key_of(spot), item, "true or false"))
        for inner in _models_in(annotation):
            if isinstance(value, dict) and _is_mapping(annotation):
                for key, item in value.items():
                    found += yaml_traps(item, inner, (*here, key))
            else:
                found += yaml_traps(value, inner, here)
    return found


def _is_mapping(annotation) -> bool:
    return typing.get_origin(annotation) is dict


def _plain_types(annotation) -> set[type]:
    """The plain types (int, float, str, bool) an annotation allows, looking into unions, tuples and literals."""
    origin = typing.get_origin(annotation)
    if origin is typing.Literal:
        return {type(value) for value in typing.get_args(annotation)}
    if origin is dict:
        return set()
    if origin in (typing.Union, types.UnionType, tuple, list):
        return {t for part in typing.get_args(annotation) for t in _plain_types(part)} - {type(None)}
    return {annotation} if annotation in (int, float, str, bool) else set()
