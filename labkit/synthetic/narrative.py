"""What stands between header and signature: the findings section and the impression of one case."""

from dataclasses import dataclass
from datetime import date

import numpy as np

from labkit.synthetic.phrases import Bank
from labkit.synthetic.profiles import kind_of
from labkit.synthetic.sentences import Writer, choose
from labkit.synthetic.statements import FALSE, TRUE, UNCERTAIN
from labkit.synthetic.truth import Structure
from labkit.synthetic.wording import NounPhrase, fill, fits, sentence

__all__ = ["Case", "Narrative"]

CONFLICT_SHARE = 0.12  # impressions that settle what the findings put otherwise, where the case allows it
DENIED_KINDS = ("fracture", "shift", "arthrosis")


@dataclass(frozen=True)
class Case:
    """One study as its reporter sees it: values by column, and the state of old injuries."""

    said: np.ndarray
    value: np.ndarray
    truth: np.ndarray
    healed: tuple[int, ...] = ()  # united or reduced since: history, not a finding
    healing: bool = False
    fixed: bool = False
    before: date | None = None


class Narrative:
    """Findings section and impression of one case."""

    def __init__(self, case: Case, structure: Structure, bank: Bank, writer: Writer):
        self.case, self.structure, self.bank, self.writer = case, structure, bank, writer
        self.rng, self.frames = writer.rng, writer.frames
        self.entries = {structure.column[i]: entry for i, entry in bank.findings.items()}
        self.positives = [k for k in bank.roles(structure).entities if case.said[k] != FALSE]
        kinds = {k: kind_of(structure.template.findings[k]) for k in self.positives}
        self.injuries = {k for k, kind in kinds.items() if kind in ("fracture", "shift")}
        self.families = {k: writer.family(bool(case.truth[k])) for k in self.positives}

    def parts(self) -> tuple[list[str], list[str]]:
        """Sentences of the findings and of the impression, the latter empty where there is none."""
        rng, site = self.rng, self.writer.site
        has_impression = rng.random() < (0.25 if self.writer.short else site.impression_share)
        conflict = self._conflict() if has_impression and rng.random() < CONFLICT_SHARE else None
        blocks = [self._finding(k, self.case.said[k]) for k in self.positives if k != conflict]
        if conflict is not None:
            earlier = TRUE if self.case.said[conflict] == UNCERTAIN else UNCERTAIN
            blocks.append(self._finding(conflict, earlier))
        blocks += [[s] for s in self._denials(leave_out=conflict)]
        blocks += [[s] for s in self._history() + self._neutral()]
        # Injuries first, more or less
        ranks = [0.0 if k in self.injuries else 0.5 for k in self.positives if k != conflict]
        ranks += [0.5] * (len(blocks) - len(ranks))
        order = np.argsort(np.array(ranks) + rng.random(len(blocks)))
        body = self._opening() + [s for i in order for s in blocks[int(i)]]
        impression = self._impression(conflict) if has_impression else []
        if not blocks and not impression:
            body.append(self._nothing())
        if rng.random() < site.distractor_share:
            (impression or body).append(choose(rng, self.frames["advice"]))
        return body, impression

    def _finding(self, k: int, value: int, *, plain: bool = False) -> list[str]:
        entry = self.entries[k]
        modifiers = {c: int(self.case.said[self.structure.column[i]]) for c, i in entry.modifiers.items()}
        if plain:  # an impression says less, and nothing new
            modifiers = {c: v if v == self.case.said[k] else FALSE for c, v in modifiers.items()}
        if value == TRUE:
            if plain:
                phrase, _ = self.writer.phrase(entry, modifiers, plain=True)
                return [sentence(fill("{np}", phrase))]
            fracture = kind_of(self.structure.template.findings[k]) == "fracture"
            return self.writer.stated(entry, modifiers, fracture=fracture)
        family = self.families.setdefault(k, self.writer.family(bool(self.case.truth[k])))
        return self.writer.hedged(entry, modifiers, family=family, plain=plain)

    def _conflict(self) -> int | None:
        """A finding without colouring that the impression settles; None where this case has none."""
        denied = [k for k in self._deniable() if not self.entries[k].modifiers]
        plain = [k for k in self.positives if not self.entries[k].modifiers and not self.entries[k].hedge_only]
        options = plain if plain and self.rng.random() < 0.7 else denied
        return choose(self.rng, options) if options else None

    def _deniable(self) -> list[int]:
        return [
            k
            for k, e in self.entries.items()
            if self.case.value[k] == FALSE and not e.hedge_only and k not in self.case.healed
        ]

    def _worth_denying(self, k: int) -> bool:
        """Reporters deny what is asked for or common, not what nobody thought of."""
        kind = kind_of(self.structure.template.findings[k])
        return bool(getattr(self.entries[k], self.writer.language).absent) or kind in DENIED_KINDS

    def _denials(self, *, leave_out: int | None) -> list[str]:
        """Normal statements that hold for this case, and denials of single findings, some of them joined."""
        rng, share = self.rng, self.writer.site.negation_share
        said, sentences = set() if leave_out is None else {leave_out}, []
        for i in np.argsort(rng.random(len(self.bank.normals))):
            normal = self.bank.normals[int(i)]
            columns = {self.structure.column[i] for i in normal["denies"]}
            free = all(self.case.value[k] == FALSE for k in columns) and not columns & said
            if rng.random() < share and free and leave_out not in columns:
                sentences.append(choose(rng, normal[self.writer.language]))
                said |= columns
        single = [k for k in self._deniable() if k not in said and self._worth_denying(k)]
        single = [k for k in single if rng.random() < share * 0.18]
        while single:
            size = min(len(single), 1 + int(rng.random() * 3))
            taken, single = single[:size], single[size:]
            sentences.append(self.writer.denied(*(self.entries[k] for k in taken)))
        return sentences

    def _history(self) -> list[str]:
        """What has healed or was reduced since, and at times an old injury that this patient brings along."""
        rng = self.rng
        healed = list(self.case.healed)[:1]
        old = [
            k
            for k in self._deniable()
            if kind_of(self.structure.template.findings[k]) == "fracture" or self.entries[k].reducible
        ]
        if not healed and old and rng.random() < self.writer.site.distractor_share * 0.4:
            healed = [choose(rng, old)]
        sentences = []
        for k in healed:
            bank = "reduced" if self.entries[k].reducible else "healed_fixed" if self.case.fixed else "healed"
            if bank == "healed_fixed" and self.case.healed == ():
                bank = "healed"
            nouns = [pair for pair in getattr(self.entries[k], self.writer.language).nouns if "*" not in pair[1]]
            if not nouns:
                continue
            kind, noun = choose(rng, nouns)
            phrase = NounPhrase(noun, kind, self.writer.language)
            frame = choose(rng, [f for f in self.frames[bank] if fits(f, phrase)])
            sentences.append(sentence(fill(frame.replace("{noun}", noun), phrase)))
        return sentences

    def _neutral(self) -> list[str]:
        rng, share = self.rng, self.writer.site.distractor_share
        sentences = []
        if rng.random() < share * 0.5:
            sentences.append(choose(rng, self.frames["neutral"][: 3 if self.case.fixed else None]))
        others = self.bank.others[self.writer.language]
        if others and rng.random() < share * 0.5:
            sentences.append(choose(rng, others))
        return sentences

    def _opening(self) -> list[str]:
        if self.case.before is not None:
            return [choose(self.rng, self.frames["later"])]
        return [choose(self.rng, self.frames["openings"])] if self.rng.random() < 0.25 else []

    def _nothing(self) -> str:
        return choose(self.rng, self.frames["unremarkable_short" if self.writer.short else "unremarkable"])

    def _impression(self, conflict: int | None) -> list[str]:
        sentences = []
        ranked = sorted(self.positives, key=lambda k: k not in self.injuries)
        for k in ranked:
            if self.rng.random() < 0.6 or k == conflict or k in self.injuries:
                sentences += self._finding(k, self.case.said[k], plain=True)
        if conflict is not None and self.case.said[conflict] == FALSE:
            sentences.append(self.writer.denied(self.entries[conflict]))
        if not sentences and not self.case.healed and not (self.case.value != FALSE).any():
            sentences.append(self._nothing())
        return sentences
