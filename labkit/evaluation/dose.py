"""Dose-response: how a number changes with the share of uncertain labels, and from which share on policies differ.

Results of trainings go in, one per share and seed; each seed is a draw of all trainings one could have run, so it is a
random effect (a random intercept by restricted maximum likelihood; Laird & Ware 1982). Used by studies that train at
several shares.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import optimize, special

from labkit.errors import EvaluationError
from labkit.evaluation.operating import Rate

__all__ = ["DoseResponse", "PolicyTrend", "dose_response", "policy_trend"]

GRID = 201


@dataclass(frozen=True)
class DoseResponse:
    """A straight trend over shares.

    slope : change of the value when the share goes from 0 to 1, with interval; p_value : of slope 0; p_curved : of a
    straight line being enough (NaN with two shares). sd_seed, sd_residual : between and within seeds (sd_seed NaN with
    one seed). points : DataFrame share, value (mean over seeds), low, high, n. fitted : DataFrame share, value, low,
    high.
    """

    slope: Rate
    p_value: float
    p_curved: float
    sd_seed: float
    sd_residual: float
    points: pd.DataFrame
    fitted: pd.DataFrame


@dataclass(frozen=True)
class PolicyTrend:
    """Difference of two policies over shares; shares are NaN where nothing of the kind is shown up to the largest one.

    different_from : smallest share from which on the fitted interval lies beside 0; relevant_from : beyond the margin;
    equivalent_to : largest share up to which the two one-sided tests keep it within the margin.
    """

    trend: DoseResponse
    different_from: float
    relevant_from: float
    equivalent_to: float


def dose_response(results, *, level=0.95):
    """Fit the trend of `value` over `share`.

    Parameters
    ----------
    results : DataFrame share (0 to 1), seed, value; one row per training.

    Raises
    ------
    EvaluationError : a column is missing, a value is NaN, a pair of share and seed stands twice, fewer than two shares
        or three rows.
    """
    fit = _fit(_checked(results))
    t = float(special.stdtrit(fit.df, 0.5 + level / 2))
    slope, se = float(fit.beta[1]), float(np.sqrt(fit.covariance[1, 1]))
    statistic = slope / se if se > 0 else (0.0 if slope == 0 else np.inf)
    return DoseResponse(
        slope=Rate(slope, slope - t * se, slope + t * se, fit.n, "random intercept of seeds, REML"),
        p_value=float(2 * special.stdtr(fit.df, -abs(statistic))),
        p_curved=_p_curved(results),
        sd_seed=fit.sd_seed,
        sd_residual=fit.sd_residual,
        points=_points(results, level),
        fitted=_line(fit, level, results["share"].max()),
    )


def policy_trend(results, first, second, *, margin=0.02, level=0.95):
    """Trend of the difference first - second over shares, paired by share and seed.

    results : DataFrame policy, share, seed, value. Raises as `dose_response`; also where a policy has no rows, or rows
    that the other lacks.
    """
    wide = results[results["policy"].isin([first, second])].pivot_table(
        index=["share", "seed"], columns="policy", values="value", aggfunc=_single
    )
    if set(wide.columns) != {first, second} or wide.isna().any(axis=None):
        raise EvaluationError(
            f"results: policies '{first}' and '{second}' need the same shares and seeds, each once; train what is "
            "missing."
        )
    paired = (wide[first] - wide[second]).rename("value").reset_index()
    trend = dose_response(paired, level=level)
    inner = _line(_fit(paired), 2 * level - 1, paired["share"].max())
    beside, beyond = ((trend.fitted["low"] > limit) | (trend.fitted["high"] < -limit) for limit in (0.0, margin))
    within = (inner["low"] > -margin) & (inner["high"] < margin)
    return PolicyTrend(
        trend=trend,
        different_from=_from(trend.fitted["share"], beside),
        relevant_from=_from(trend.fitted["share"], beyond),
        equivalent_to=_up_to(inner["share"], within),
    )


@dataclass(frozen=True)
class _Fit:
    beta: np.ndarray
    covariance: np.ndarray
    df: float
    df_line: float
    sd_seed: float
    sd_residual: float
    n: int


def _checked(results):
    missing = [name for name in ("share", "seed", "value") if name not in results]
    if missing:
        raise EvaluationError(f"results: the column '{missing[0]}' is missing; share, seed and value are needed.")
    if results[["share", "value"]].isna().any(axis=None) or results.duplicated(["share", "seed"]).any():
        raise EvaluationError("results: a share or value is NaN, or a share and seed stand twice; one number each.")
    if results["share"].nunique() < 2 or len(results) < 3:
        raise EvaluationError(
            f"results: {results['share'].nunique()} shares in {len(results)} rows; a trend needs two shares and three "
            "rows."
        )
    return results


def _fit(results):
    """Restricted maximum likelihood with the ratio of the two variances profiled out."""
    codes = np.unique(results["seed"], return_inverse=True)[1]
    share, y = results["share"].to_numpy(float), results["value"].to_numpy(float)
    design, sizes = np.column_stack([np.ones(len(y)), share]), np.bincount(codes)

    def solved(ratio):
        inner = ratio / (1 + ratio * sizes)  # inverse of I + ratio * J per seed
        sums = np.array([np.bincount(codes, weights=column) for column in (*design.T, y)]).T
        whole = np.column_stack([design, y])
        products = whole.T @ whole - (sums * inner[:, None]).T @ sums
        information, right = products[:2, :2], products[:2, 2]
        beta = np.linalg.solve(information, right)
        return beta, information, max(products[2, 2] - right @ beta, 0.0)

    def deviance(log_ratio):
        ratio = np.exp(log_ratio)
        _, information, rss = solved(ratio)
        rss = max(rss, 1e-300)
        return (len(y) - 2) * np.log(rss) + np.log1p(ratio * sizes).sum() + np.linalg.slogdet(information)[1]

    ratio = 0.0
    if len(sizes) > 1 and solved(0.0)[2] > 1e-24 * max(1.0, float(y @ y)):
        best = optimize.minimize_scalar(deviance, bounds=(-14, 14), method="bounded")
        ratio = float(np.exp(best.x)) if best.fun < deviance(-40) else 0.0
    beta, information, rss = solved(ratio)
    variance = rss / (len(y) - 2)
    within = len(y) - len(sizes) - 1 if _varies_within(share, codes) else len(sizes) - 2
    return _Fit(
        beta=beta,
        covariance=variance * np.linalg.inv(information),
        df=max(within, 1),
        df_line=max(len(sizes) - 1 if len(sizes) > 1 else len(y) - 2, 1),
        sd_seed=float(np.sqrt(ratio * variance)) if len(sizes) > 1 else np.nan,
        sd_residual=float(np.sqrt(variance)),
        n=len(y),
    )


def _varies_within(share, codes):
    return any(np.ptp(share[codes == code]) > 0 for code in np.unique(codes))


def _line(fit, level, largest):
    """Fitted mean with its interval; degrees of freedom of the seeds, the smaller number."""
    share = np.linspace(0, largest, GRID)
    design = np.column_stack([np.ones(GRID), share])
    se = np.sqrt(np.einsum("ij,jk,ik->i", design, fit.covariance, design))
    value, half = design @ fit.beta, float(special.stdtrit(fit.df_line, 0.5 + level / 2)) * se
    return pd.DataFrame({"share": share, "value": value, "low": value - half, "high": value + half})


def _points(results, level):
    rows = []
    for share, values in results.groupby("share")["value"]:
        n = len(values)
        half = special.stdtrit(n - 1, 0.5 + level / 2) * values.std() / np.sqrt(n) if n > 1 else np.nan
        rows.append((share, values.mean(), values.mean() - half, values.mean() + half, n))
    return pd.DataFrame(rows, columns=["share", "value", "low", "high", "n"])


def _p_curved(results):
    """F test of a free mean per share beside the line, seeds as blocks; NaN where nothing is left to judge by."""
    seeds = pd.get_dummies(results["seed"]).to_numpy(float)
    share, y = results["share"].to_numpy(float), results["value"].to_numpy(float)
    straight = np.column_stack([seeds, share])
    free = np.column_stack([seeds, pd.get_dummies(results["share"]).to_numpy(float)])
    rss, ranks = [], []
    for design in (straight, free):
        beta, _, rank, _ = np.linalg.lstsq(design, y)
        rss.append(float(np.square(y - design @ beta).sum()))
        ranks.append(int(rank))
    more, left = ranks[1] - ranks[0], len(y) - ranks[1]
    if more <= 0 or left <= 0 or rss[1] <= 1e-24:
        return np.nan
    return float(special.fdtrc(more, left, max(rss[0] - rss[1], 0.0) / more / (rss[1] / left)))


def _from(share, holds):
    """Smallest share from which on it holds up to the largest; NaN where it does not hold there."""
    fails = np.flatnonzero(~holds.to_numpy())
    first = fails[-1] + 1 if len(fails) else 0
    return float(share.iloc[first]) if first < len(share) else np.nan


def _up_to(share, holds):
    fails = np.flatnonzero(~holds.to_numpy())
    last = (fails[0] if len(fails) else len(share)) - 1
    return float(share.iloc[last]) if last >= 0 else np.nan


def _single(values):
    return values.iloc[0] if len(values) == 1 else np.nan
