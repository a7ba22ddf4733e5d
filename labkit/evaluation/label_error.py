"""What a network would score against the truth when its test labels come from an extractor that errs; used by
04_evaluation.

Verification measures the extractor's sensitivity and specificity; where nobody verified the test labels, these correct
the numbers taken against extracted labels. The correction assumes that the extractor errs independently of the network
and equally often for every finding. Sources: Rogan & Gladen 1978 (prevalence); the area against mislabelled classes is
a mixture, so that its distance from 0.5 shrinks by ppv + npv - 1 (Scott 2013; Menon 2015). Intervals carry the
uncertainty of the verification and of the test set, by simulation.
"""

from dataclasses import dataclass

import numpy as np

from labkit.errors import EvaluationError
from labkit.evaluation import macro
from labkit.evaluation.operating import Rate, wilson

__all__ = ["ExtractorError", "corrected_macro_auc", "corrected_rates", "measured"]

UNIDENTIFIED = 0.05  # share of draws without a solution, above which there is no interval
METHOD = "corrected for label error"


@dataclass(frozen=True)
class ExtractorError:
    """Verified labels by truth and by what the extractor said; uncertain ones on either side are not counted."""

    true_positive: int
    false_negative: int
    true_negative: int
    false_positive: int

    @property
    def sensitivity(self):
        return wilson(self.true_positive, self.true_positive + self.false_negative)

    @property
    def specificity(self):
        return wilson(self.true_negative, self.true_negative + self.false_positive)

    def drawn(self, rng, n):
        """Sensitivity and specificity, (n,) each, from their Jeffreys posteriors; the estimates come first."""
        pairs = (self.true_positive, self.false_negative), (self.true_negative, self.false_positive)
        return [np.append(k / (k + miss), rng.beta(k + 0.5, miss + 0.5, n)) for k, miss in pairs]


def measured(labels):
    """The extractor's errors on the verified LABELS, all findings together.

    Raises
    ------
    EvaluationError : no verified true label, or no verified false one.
    """
    sure = labels["reference"].isin(["true", "false"]) & labels["extracted"].isin(["true", "false"])
    verified = labels[(labels["verification"] != "none") & sure]
    there, said = verified["reference"] == "true", verified["extracted"] == "true"
    if not there.any() or there.all():
        raise EvaluationError(
            f"labels: {int(there.sum())} verified labels are true and {int((~there).sum())} false; the extractor's "
            "errors need both. Verify more reports."
        )
    counts = [int((a & b).sum()) for a, b in ((there, said), (there, ~said), (~there, ~said), (~there, said))]
    return ExtractorError(*counts)


def corrected_macro_auc(y, score, error, *, patients, rng, n_draws=2000, level=0.95):
    """Macro AUC and areas per label against the truth, from extracted test labels.

    Parameters
    ----------
    y : (n, labels) of 0, 1 and NaN = left out, as extracted; score : (n, labels); patients : (n,) ids.
    error : ExtractorError.

    Returns
    -------
    Rate of the macro average and a list of Rates per label; NaN where extractor and prevalence allow no solution
    (more positive labels than true ones are expected by error alone, for instance).

    Raises
    ------
    EvaluationError : a label has one class only.
    """
    y, score = np.asarray(y, float), np.asarray(score, float)
    codes = np.unique(np.asarray(patients), return_inverse=True)[1]
    areas, moved = macro.influence(y, score, codes)
    sums = np.zeros((codes.max() + 1, y.shape[1]))
    np.add.at(sums, codes, np.nan_to_num(moved))
    noise = np.vstack([np.zeros(len(areas)), rng.standard_normal((n_draws, len(sums))) @ sums])
    sensitivity, specificity = error.drawn(rng, n_draws)
    ppv, npv = _values(y, sensitivity, specificity, rng)  # (draws, labels) each
    shrunk = ppv + npv - 1
    found = np.clip(0.5 + (areas + noise - 0.5) / shrunk, 0, 1)
    n = (~np.isnan(y)).sum(axis=0)
    return _rate(found.mean(axis=1), len(y), level), [_rate(f, int(k), level) for f, k in zip(found.T, n, strict=True)]


def corrected_rates(counts, error, *, rng, n_draws=2000, level=0.95):
    """Sensitivity, specificity and prevalence against the truth, from a `Confusion` against extracted labels.

    Studies are taken as independent. NaN as `corrected_macro_auc`.
    """
    n_positive = counts.true_positive + counts.false_negative
    n_negative = counts.true_negative + counts.false_positive
    if not n_positive or not n_negative:
        raise EvaluationError(f"{n_positive} extracted labels are true and {n_negative} false; both are needed.")
    sensitivity, specificity = error.drawn(rng, n_draws)
    y = np.repeat([1.0, 0.0], [n_positive, n_negative])[:, None]
    ppv, npv = (values[:, 0] for values in _values(y, sensitivity, specificity, rng))
    called = {}
    for key, k, n in (("there", counts.true_positive, n_positive), ("absent", counts.false_positive, n_negative)):
        called[key] = np.append(k / n, rng.beta(k + 0.5, n - k + 0.5, n_draws))
    shrunk = ppv + npv - 1
    hit = (npv * called["there"] - (1 - ppv) * called["absent"]) / shrunk
    alarm = (ppv * called["absent"] - (1 - npv) * called["there"]) / shrunk
    share = n_positive / (n_positive + n_negative)
    prevalence = ppv * share + (1 - npv) * (1 - share)
    found = {"sensitivity": hit, "specificity": 1 - alarm, "prevalence": prevalence}
    return {name: _rate(np.clip(values, 0, 1), len(y), level) for name, values in found.items()}


def _values(y, sensitivity, specificity, rng):
    """Share of the positive and of the negative labels that are right, (draws, labels) each; NaN without a solution."""
    n_positive, n_negative = (y == 1).sum(axis=0), (y == 0).sum(axis=0)
    n_draws = len(sensitivity) - 1
    drawn = rng.beta(n_positive + 0.5, n_negative + 0.5, (n_draws, y.shape[1]))
    share = np.vstack([n_positive / (n_positive + n_negative), drawn])
    informed = (sensitivity + specificity - 1)[:, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        prevalence = (share + specificity[:, None] - 1) / informed
        ppv = sensitivity[:, None] * prevalence / share
        npv = specificity[:, None] * (1 - prevalence) / (1 - share)
    # prevalence below 0: so many positive labels come by error alone that the true ones cannot be told
    solved = (informed > 0) & (prevalence > 0) & (prevalence < 1) & (ppv + npv > 1)
    return np.where(solved, ppv, np.nan), np.where(solved, npv, np.nan)


def _rate(found, n, level):
    """The first entry with the quantiles of the others; NaN in either where too many draws have no solution."""
    value, drawn = float(found[0]), found[1:]
    known = drawn[~np.isnan(drawn)]
    if np.isnan(value) or 1 - len(known) / len(drawn) > UNIDENTIFIED:
        return Rate(value, np.nan, np.nan, n, f"{METHOD}, interval not identified")
    low, high = np.quantile(known, [0.5 - level / 2, 0.5 + level / 2])
    return Rate(value, float(low), float(high), n, METHOD)
