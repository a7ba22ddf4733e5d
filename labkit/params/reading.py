"""Reads a params file and checks all of it: every fault becomes one sentence, none is guessed away."""

import difflib
import re
from pathlib import Path

import yaml
from pydantic import BaseModel, ValidationError

from labkit import templates
from labkit.errors import ParamsError
from labkit.evaluation.settings import MACRO_AUC
from labkit.layout import ROOT
from labkit.params import messages
from labkit.params.study import Study, template_path

__all__ = ["load", "read_yaml", "validated"]

# Sections in which every key must be stated by the file, so that no result rests on a default that nobody has read.
STATED = (
    ("paths",),
    ("cohort",),
    ("cohort", "radiographs"),
    ("extraction",),
    ("extraction", "rules"),
    ("verification",),
    ("training",),
    ("evaluation",),
    ("figures",),
)
MERGE = "tag:yaml.org,2002:merge"
# Whole numbers that YAML does not read in tens: octal, binary, hexadecimal, and minutes and seconds.
OTHER_BASE = re.compile(r"[-+]?0[0-9_]|[-+]?0[bx]|.*:")


class UniqueKeys(yaml.SafeLoader):
    """YAML as written, except that a key that stands twice is refused: the later one would win without a word."""


def _mapping(loader: UniqueKeys, node: yaml.MappingNode) -> dict:
    seen = []
    for key_node in (key for key, _ in node.value if key.tag != MERGE):  # `<<: *other` gives way to what is stated
        key = loader.construct_object(key_node, deep=True)
        if key in seen:
            raise yaml.constructor.ConstructorError(None, None, f"the key '{key}' stands twice", key_node.start_mark)
        seen.append(key)
    return yaml.SafeLoader.construct_mapping(loader, node, deep=True)


def _whole_number(loader: UniqueKeys, node: yaml.ScalarNode) -> int:
    """A number; marked where YAML makes 8 of 010 or 90 of 1:30, so that its key can be named."""
    value = loader.construct_yaml_int(node)
    return messages.Misread(value, node.value) if OTHER_BASE.match(node.value) else value


UniqueKeys.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)
UniqueKeys.add_constructor("tag:yaml.org,2002:int", _whole_number)


def read_yaml(path: str | Path) -> dict:
    """The content of a YAML file.

    Raises
    ------
    ParamsError : no such file, not UTF-8, not YAML, a key twice, or no keys at all.
    """
    path = Path(path)
    if not path.is_file():
        raise ParamsError(f"{path}: no such file; give the path of a params file such as params/demo/elbow.yaml.")
    try:
        content = yaml.load(path.read_text(encoding="utf-8-sig"), Loader=UniqueKeys)
    except UnicodeDecodeError as error:
        raise ParamsError(f"{path}: not valid UTF-8 at byte {error.start}; save the file as UTF-8.") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or "not valid YAML"
        raise ParamsError(f"{path}{where}: {problem}; mend the line.") from None
    if not isinstance(content, dict):
        raise ParamsError(f"{path}: holds no keys; copy a file of params/ and fill it in.")
    return content


def validated(content: dict, model: type[BaseModel], name: str) -> BaseModel:
    """The model made from raw parameters.

    Raises
    ------
    ParamsError : one sentence per fault, each starting with `name` and naming the key.
    """
    faults, made = messages.yaml_traps(content, model), None
    try:
        made = model.model_validate(content)
    except ValidationError as error:
        faults += messages.sentences(error, content, model)
    for location in STATED:
        section = messages.at(content, location)
        if isinstance(section, dict):
            faults += messages.unstated(section, messages.model_at(model, location), location)
    faults = messages.without_echoes(faults)
    if faults:
        raise ParamsError("\n".join(f"{name}: {fault}" for fault in faults))
    return made


def load(path: str | Path, *, check_inputs: bool = True) -> Study:
    """Read and check a params file; with `check_inputs` also that the files and folders it names exist.

    Raises
    ------
    ParamsError : one sentence per fault, naming the file and the key.
    """
    path = Path(path)
    content = read_yaml(path)
    study = validated(content, Study, str(path))
    absolute = path.absolute()
    study._file, study._raw = absolute, content
    study._base = ROOT if absolute.is_relative_to(ROOT) else absolute.parent
    faults = _template_faults(study) + _folder_faults(study) + _link_faults(study)
    if check_inputs:
        faults += _synthetic_faults(study) if study.synthetic else _input_faults(study)
    if faults:
        raise ParamsError("\n".join(f"{path}: {fault}" for fault in faults))
    return study


def _template_faults(study: Study) -> list[str]:
    try:
        template = templates.load(template_path(study.paths.template, study.base_dir))
    except ParamsError as error:
        return [f"paths.template: {error}"]
    if template.anatomy != study.anatomy:
        return [f"anatomy: is '{study.anatomy}', but paths.template is for '{template.anatomy}'; make them agree."]
    return _evaluation_faults(study, [finding.name for finding in template.findings])


def _evaluation_faults(study: Study, names: list[str]) -> list[str]:
    """What is declared before training must not turn out to be misspelt after it."""
    section, faults = study.evaluation, []
    for key, declared in (("endpoint", (section.endpoint,)), ("findings", section.findings)):
        for name in declared:
            if name not in names and (key, name) != ("endpoint", MACRO_AUC):
                close = difflib.get_close_matches(name, names, n=1)
                meant = f"did you mean '{close[0]}'?" if close else "give the exact name."
                faults.append(f"evaluation.{key}: the template has no finding '{name}'; {meant}")
    if not faults and section.findings and section.endpoint not in (MACRO_AUC, *section.findings):
        faults.append("evaluation.endpoint: this finding is not among evaluation.findings; add it there.")
    return faults


def _folder_faults(study: Study) -> list[str]:
    """Whoever shares the pages must not share the key table with them."""
    shared = study.resolve(study.paths.reports_dir).resolve()
    return [
        f"paths.{name}: lies in reports_dir, which may be shared, and holds what must stay in the hospital; "
        "choose another folder."
        for name in ("build_dir", "reviews_dir")
        if study.resolve(getattr(study.paths, name)).resolve().is_relative_to(shared)
    ]


def _link_faults(study: Study) -> list[str]:
    key = study.cohort.link_by
    return [
        f"cohort.sites.{name}.columns.{key}: this key is missing, and cohort.link_by needs it; "
        "name the column of the file, or link by another identifier."
        for name, site in study.cohort.sites.items()
        if site.images is not None and not getattr(site.columns, key)
    ]


def _input_faults(study: Study) -> list[str]:
    faults = []
    for name, site in study.cohort.sites.items():
        key = f"cohort.sites.{name}"
        reports = study.resolve(site.reports)
        if not reports.is_file():
            faults.append(f"{key}.reports: there is no file {site.reports} (looked for {reports}).")
        if site.images is not None:
            images = study.resolve(site.images)
            if not images.is_dir():
                faults.append(f"{key}.images: there is no folder {site.images} (looked for {images}).")
    for name in ("prompt", "prices"):
        asked = getattr(study.openai, name, "")
        if Path(asked).is_absolute() and not Path(asked).is_file():
            faults.append(f"extraction.openai.{name}: there is no file {Path(asked).name} (looked for {asked}).")
    weights = study.training.weights
    if weights not in ("imagenet", "none") and not study.resolve(weights).is_file():
        faults.append(
            f"training.weights: there is no file {weights} (looked for {study.resolve(weights)}); "
            "give imagenet, none or the path of a state dict."
        )
    return faults


def _synthetic_faults(study: Study) -> list[str]:
    """A synthetic cohort is written to one place; the sites must read it from there."""
    cohort = study.layout.cohort.absolute()
    faults = []
    for name, site in study.cohort.sites.items():
        for key, path in (("reports", site.reports), ("images", site.images)):
            if path is not None and not study.resolve(path).is_relative_to(cohort):
                faults.append(
                    f"cohort.sites.{name}.{key}: the section synthetic writes its cohort to {cohort}; "
                    "name a path below it, or delete the section synthetic to use your own files."
                )
    return faults
