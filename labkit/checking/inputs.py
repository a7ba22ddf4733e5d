"""What the reports and radiographs of a study are, and what is wrong with them; nothing is decoded or written."""

import os
from collections.abc import Callable
from pathlib import Path

from labkit import corpus
from labkit.corpus import Corpus
from labkit.errors import LabkitError
from labkit.params import Study
from labkit.params.sections import Site
from labkit.training import backbones

__all__ = ["look"]


def look(study: Study, say: Callable[[str], None]) -> tuple[dict[str, Corpus], list[str]]:
    """Say what the inputs of a study hold; give the reports by site, as far as they can be read, and the faults."""
    say(f"{study.file.name}: study {study.study}, {study.anatomy}, {len(study.template.findings)} findings, "
        f"policies {', '.join(study.policies)}")  # fmt: skip
    faults = _network(study)
    if study.synthetic:
        made = study.synthetic
        say(f"  synthetic cohort: {made.n_internal} internal and {made.n_external} external studies")
        return _made(study), faults
    read = {}
    for name, site in study.cohort.sites.items():
        try:
            read[name] = corpus.load(study.resolve(site.reports), site.columns)
        except LabkitError as error:
            faults.append(f"{study.file.name}: cohort.sites.{name}.reports: {error}")
            continue
        _say_site(name, site, read[name], study.resolve, say)
    return read, faults


def _say_site(name: str, site: Site, read: Corpus, resolve: Callable[[str], Path], say: Callable[[str], None]) -> None:
    say(f"  {name}: {len(read.reports)} reports in {read.n_rows} rows")
    for reason, n in read.rejected["reason"].str.replace(r"line \d+ ", "", regex=True).value_counts().items():
        say(f"    {n} rows are not used: {reason}")
    if site.images is None:
        say("    no radiographs: extraction and verification only")
    else:
        n_files = sum(len(files) for _, _, files in os.walk(resolve(site.images)))
        say(f"    {n_files} files in the image folder")


def _made(study: Study) -> dict[str, Corpus]:
    """Reports of a synthetic cohort where an earlier run has made it."""
    found = {}
    for name, site in study.cohort.sites.items():
        place = study.resolve(site.reports)
        if place.is_file():
            found[name] = corpus.load(place, site.columns)
    return found


def _network(study: Study) -> list[str]:
    """A network that 03_training would not know, hours later."""
    fault = backbones.fault(study.training.backbone) if study.cohort.has_images else ""
    return [f"{study.file.name}: training.{fault}"] if fault else []
