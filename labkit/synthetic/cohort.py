"""The studies of a synthetic site, one by one: person, latent truth, report and, on demand, radiographs.

Each number of each study comes from a random stream of its own (seed, anatomy, site, purpose, study): memory stays
flat and nothing that is drawn for one study or purpose moves another.
"""

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from labkit.synthetic import dicom, drawing, narrative, people, phrases, profiles, reports, statements
from labkit.synthetic import truth as truths
from labkit.synthetic.settings import Settings, Site
from labkit.synthetic.statements import N_UNIFORMS, Latent
from labkit.templates import Template

__all__ = ["Cohort", "Study"]

STREAMS = ("pilot", "truth", "person", "visit", "text", "pose", "signs", "noise", "header", "tags")
STAYS_SHARE = 0.6  # follow-ups in which what was acute is still there
FIXED_FIRST, FIXED_LATER = 0.05, 0.35  # fractures with a plate on the first and on a later study


@dataclass(frozen=True)
class Study:
    """One study before anything is drawn; `latent` holds arrays of one row."""

    number: int
    stay: people.Visit
    latent: Latent
    case: narrative.Case
    report: reports.Report


@dataclass(frozen=True)
class Cohort:
    """One site of a synthetic cohort: everything that its studies share."""

    template: Template
    settings: Settings
    name: str

    @cached_property
    def position(self) -> int:
        return [name for name, _, _ in self.settings.sites()].index(self.name)

    @property
    def site(self) -> Site:
        return self.settings.sites()[self.position][1]

    @property
    def n_studies(self) -> int:
        return self.settings.sites()[self.position][2]

    @property
    def language(self) -> str:
        """The language of the site's names, as of most of its reports."""
        return "en" if self.site.english_share >= 0.5 else "de"

    @cached_property
    def salt(self) -> int:
        """Keeps cohorts of several anatomies apart that share a seed."""
        return zlib.crc32(self.template.anatomy.encode()) % 1_000_000

    @cached_property
    def profile(self) -> profiles.Profile:
        return profiles.load(self.template)

    @cached_property
    def structure(self) -> truths.Structure:
        return truths.Structure(self.template, self.profile)

    @cached_property
    def bank(self) -> phrases.Bank:
        return phrases.load(self.template)

    @cached_property
    def roles(self) -> statements.Roles:
        return self.bank.roles(self.structure)

    @cached_property
    def doubt(self) -> statements.Doubt:
        return statements.calibrate(self.structure, self.roles, self.settings, self.site, rng=self.rng("pilot"))

    @cached_property
    def injuries(self) -> tuple[int, ...]:
        """Columns of what heals or is reduced with a trace in the history."""
        findings = self.template.findings
        return tuple(
            k
            for k in self.roles.entities
            if k not in self.roles.hedge_only
            and (profiles.kind_of(findings[k]) == "fracture" or self.bank.findings[findings[k].id].reducible)
        )

    def rng(self, stream: str, *numbers: int) -> np.random.Generator:
        key = [self.settings.seed, self.salt, self.position, STREAMS.index(stream), *numbers]
        return np.random.default_rng(key)

    def studies(self) -> Iterator[Study]:
        """All studies in order; those of one patient follow each other."""
        number = patient_number = 0
        seed = self.settings.seed * 1_000_003 + self.salt
        while number < self.n_studies:
            rng = self.rng("person", patient_number)
            person = people.patient(rng, site=self.name, number=patient_number, seed=seed, language=self.language)
            repeated = rng.random() < self.settings.repeat_patient_share
            n_visits = int(rng.integers(2, 4)) if repeated else 1
            before = None
            for _ in range(min(n_visits, self.n_studies - number)):
                before = self._study(number, person, before, seed)
                yield before
                number += 1
            patient_number += 1

    def _study(self, number: int, person: people.Patient, before: Study | None, seed: int) -> Study:
        rng = self.rng("visit", number)
        stay = people.visit(rng, person, number=number, site=self.name, seed=seed, before=before and before.stay)
        latent, case = self._case(number, before)
        report = reports.write(
            case,
            structure=self.structure,
            bank=self.bank,
            site=self.site,
            stay=stay,
            rng=self.rng("text", number),
        )
        return Study(number, stay, latent, case, report)

    def _case(self, number: int, before: Study | None) -> tuple[Latent, narrative.Case]:
        rng = self.rng("truth", number)
        uniforms = rng.random((N_UNIFORMS, 1, len(self.template.ids)))
        u_stays, u_fixed = rng.random(2)
        healed: tuple[int, ...] = ()
        if before is None:
            truth = truths.draw(self.structure, uniforms[0], odds_factor=self.site.prevalence_odds_factor)
        else:
            earlier = before.latent.truth[0]
            truth = truths.follow_up(self.structure, earlier, stays=bool(u_stays < STAYS_SHARE))[None]
            healed = before.case.healed + tuple(k for k in self.injuries if earlier[k] and not truth[0, k])
        latent = statements.say(
            self.structure,
            self.roles,
            truth=truth,
            uniforms=uniforms,
            doubt=self.doubt,
            missed_share=self.settings.missed_share,
        )
        fractured = any(
            profiles.kind_of(self.template.findings[k]) == "fracture" and truth[0, k] for k in self.injuries
        )
        fixed = (fractured or bool(healed)) and (
            bool(u_fixed < (FIXED_FIRST if before is None else FIXED_LATER))
            or (before is not None and before.case.fixed)
        )
        case = narrative.Case(
            said=latent.said[0],
            value=latent.value[0],
            truth=truth[0],
            healed=healed,
            healing=before is not None,
            fixed=fixed,
            before=None if before is None else before.stay.day,
        )
        return latent, case

    def files(self, study: Study) -> Iterator[tuple[str, bytes]]:
        """Relative path and content of each DICOM file of a study, one per view of the template."""
        rng = self.rng("header", study.number)
        names, weights = zip(*sorted(self.site.transfer_syntaxes.items()), strict=True)
        syntax = names[int(np.searchsorted(np.cumsum(weights), rng.random() * sum(weights), side="right"))]
        inverted = bool(rng.random() < self.site.monochrome1_share)
        strength = study.latent.strength[0] * self.settings.sign_strength
        strength = dict(zip(self.template.ids, np.minimum(strength, 1.0).tolist(), strict=True))
        look = drawing.Look(
            size_px=self.settings.image_size_px,
            side=study.stay.side,
            site=self.site,
            landscape=self.template.anatomy == "clavicle",
            plate=study.case.fixed,
        )
        for k, view in enumerate(self.template.views):
            rngs = [self.rng(stream, study.number, k) for stream in ("pose", "signs", "noise")]
            drawn = self.profile.view(view, k)
            pixels = drawing.radiograph(self.profile, drawn, strength, look=look, rngs=rngs)
            header = dicom.Header(
                site_name=self.name,
                site=self.site,
                profile=self.profile,
                stay=study.stay,
                view=view,
                number=k,
                key=f"{self.template.anatomy}/{self.settings.seed}/{study.stay.accession_number}",
                syntax=syntax,
                inverted=inverted,
            )
            content = dicom.encode(pixels, header, rng=self.rng("tags", study.number, k))
            yield self._path(study, k), content

    def _path(self, study: Study, k: int) -> str:
        """Nested by patient at one site, by the last digits of the accession number at the other."""
        accession = study.stay.accession_number
        if self.name == "internal":
            return f"{study.stay.person.patient_id}/{accession}/IM{k + 1:04d}.dcm"
        return f"{accession[-2:]}/{accession}-{k + 1}.dcm"
