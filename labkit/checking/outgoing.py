"""What a study would send to its endpoint, said before anything is sent; texts are shown de-identified, or not."""

import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from labkit import deidentification, identities
from labkit.checking import reach
from labkit.corpus import Corpus, Report
from labkit.deidentification import Cleaned
from labkit.errors import LabkitError
from labkit.extraction import chat, prices
from labkit.extraction.settings import Settings
from labkit.params import Study

__all__ = ["Sample", "choose", "tell"]

KINDS = {
    "NAME": "names",
    "PHYSICIAN": "physicians",
    "DATE": "dates",
    "ID": "numbers of cases and persons",
    "PHONE": "phone numbers",
    "EMAIL": "e-mail addresses",
    "URL": "web addresses",
    "ADDRESS": "addresses",
    "HOSPITAL": "hospitals",
    "AGE": "ages",
}


@dataclass(frozen=True)
class Sample:
    """How many de-identified reports are shown, chosen by which seed, and by what; None where text must not appear."""

    n: int
    seed: int
    show: Callable[[str], None] | None


class Cleaning:
    """The gate of the run, each text cleaned once."""

    def __init__(self, read: dict[str, Corpus]):
        reports = {f"{site} {report.row}": report for site, content in read.items() for report in content.reports}
        self._gate = deidentification.Gate(
            known=identities.known_identifiers(reports), own=identities.own_names(reports)
        )
        self._done: dict[str, Cleaned] = {}

    def clean(self, text: str) -> Cleaned:
        """The text with placeholders."""
        if text not in self._done:
            self._done[text] = self._gate.clean(text)
        return self._done[text]


def tell(study: Study, read: dict[str, Corpus], *, say: Callable[[str], None], sample: Sample) -> list[str]:
    """Say per site what would be asked and at what cost, what the gate removes, and show a sample; gives the faults."""
    settings = study.openai
    faults = _faults(study, settings)
    as_they_are = settings.texts == "already anonymised"
    say(f"  openai: model {settings.model} at {_place(settings)}")
    if as_they_are:
        say("    texts go out as they are: the params state that they are already anonymised; none is shown")
    else:
        say("    texts are de-identified before they are sent")
    if not faults:
        found = reach.probe(settings)
        say(f"    {'the' if found.well else 'WARNING: the'} endpoint {found.words}")
    if not read:
        say("    there are no reports yet to tell calls and cost from")
        return faults
    cleaning = None if as_they_are else Cleaning(read)
    try:
        _say_costs(study, read, cleaning, say)
    except LabkitError as error:  # a prompt or price table that is not there, a store that is none
        faults.append(f"{study.file.name}: extraction.openai: {error}")
    if cleaning:
        _show_sample(read, cleaning, say, sample)
    return list(dict.fromkeys(faults))


def _faults(study: Study, settings: Settings) -> list[str]:
    faults = []
    for part in (settings.api_key, lambda: prices.load(settings.prices).for_run(settings)):
        try:
            part()
        except LabkitError as error:
            faults.append(f"{study.file.name}: extraction.openai: {error}")
    return faults


def _place(settings: Settings) -> str:
    if settings.host in settings.local_hosts:
        return f"{settings.host}, which local_hosts lists as inside the hospital"
    return f"{settings.host}, {'on this machine' if settings.is_local else 'outside the hospital'}"


def _say_costs(study: Study, read: dict[str, Corpus], cleaning: Cleaning | None, say: Callable[[str], None]) -> None:
    for name, content in read.items():
        _say_asked(name, _estimate(study, {name: content}, cleaning), say)
        if cleaning:
            say(f"      {_removed(content, cleaning)}")
    total = _estimate(study, read, cleaning)
    if len(read) > 1:
        _say_asked("together", total, say)
    if study.cohort.has_images:
        say("    reports without usable radiographs are not sent, so that it may be less")
    budget = study.openai.budget
    if total.cost is None or not total.calls:
        return
    if budget is None:
        say("    no budget is set: the run does not stop by itself")
    elif total.cost_high > budget:
        likely = "would" if total.cost > budget else "may"
        say(f"    WARNING: the run {likely} stop at the budget of {budget:g} {total.currency} before its end; "
            "answers so far are kept")  # fmt: skip
    else:
        say(f"    within the budget of {budget:g} {total.currency}")


def _estimate(study: Study, read: dict[str, Corpus], cleaning: Cleaning | None) -> chat.Estimate:
    """The estimate for some sites; a store that is not there yet is not made."""
    reports = [(str(r.row), r.text) for content in read.values() for r in content.reports]
    store = study.layout.answer_store
    with tempfile.TemporaryDirectory() as folder:
        return chat.estimate(
            reports,
            template=study.template,
            settings=study.openai,
            store_path=store if store.is_file() else Path(folder) / "none.sqlite",
            deidentify=cleaning.clean if cleaning else None,
            retry_failed=study.extraction.retry_failed,
        )


def _say_asked(name: str, found: chat.Estimate, say: Callable[[str], None]) -> None:
    parts = [f"{found.reports:,} reports", f"{found.calls:,} calls"]
    if found.known:
        parts.append(f"{found.known:,} need none (answered already, or the same text as another)")
    if found.unsent:
        parts.append(f"{found.unsent:,} cannot be sent")
    say(f"    {name}: {', '.join(parts)}")
    if not found.calls:
        return
    about = f"about {_rounded(found.prompt_tokens)} tokens in and {_rounded(found.completion_tokens)} out"
    if found.cost is None:
        say(f"      {about}; the model has no price in the table, so the cost is not known")
    else:
        span = f"{found.cost_low:,.2f} to {found.cost_high:,.2f}"
        say(f"      {about}, about {found.cost:,.2f} {found.currency} ({span})")


def _rounded(n: int) -> str:
    """Three digits: an estimate is no count."""
    return f"{round(n, 3 - len(str(n))):,}"


def _removed(content: Corpus, cleaning: Cleaning) -> str:
    counts = Counter()
    for report in content.reports:
        counts.update(cleaning.clean(report.text).counts)
    touched = sum(1 for report in content.reports if cleaning.clean(report.text).spans)
    listed = ", ".join(f"{n:,} {KINDS[kind]}" for kind, n in counts.most_common())
    return f"removed from {touched:,} of them: {listed}" if counts else "nothing is removed from them"


def choose(cleaned: list[Cleaned], n: int, *, rng: np.random.Generator) -> list[int]:
    """Places of `n` texts, by chance, those first with most kinds of placeholders not seen yet, then with most."""
    order, chosen, seen = list(rng.permutation(len(cleaned))), [], set()
    while order and len(chosen) < n:
        best = max(order, key=lambda i: (len(set(cleaned[i].counts) - seen), len(cleaned[i].counts)))
        order.remove(best)
        chosen.append(int(best))
        seen |= set(cleaned[best].counts)
    return chosen


def _show_sample(read: dict[str, Corpus], cleaning: Cleaning, say: Callable[[str], None], sample: Sample) -> None:
    if not sample.n:
        return
    if sample.show is None:
        say("    a de-identified sample is shown on a terminal only; --sample 3 shows it here")
        return
    reports: list[tuple[str, Report]] = [(site, r) for site, content in read.items() for r in content.reports]
    cleaned = [cleaning.clean(report.text) for _, report in reports]
    chosen = choose(cleaned, sample.n, rng=np.random.default_rng(sample.seed))
    say(f"    {len(chosen)} of {len(reports):,} texts as they would be sent; look for names that are still there:")
    for place in chosen:
        site, report = reports[place]
        sample.show(f"    --- {site}, row {report.row}")
        for line in cleaned[place].text.splitlines():
            # Control characters would steer the terminal.
            sample.show("    " + "".join(c if c.isprintable() else " " for c in line))
    say(f"    --- other ones: --seed {sample.seed + 1}")
