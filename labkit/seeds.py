"""One score out of networks that were trained alike from several seeds; used by 03_training and 04_evaluation."""

import numpy as np
import pandas as pd

__all__ = ["SCORE_DIGITS", "mean_logit"]

SCORE_DIGITS = 9  # steady in CSV; far finer than any difference that counts


def mean_logit(predictions: pd.DataFrame, by: list[str]) -> pd.Series:
    """Score in (0, 1) whose logit is the mean of each group's logits, by the columns `by`, in the order of the rows."""
    edge = 10.0**-SCORE_DIGITS  # a rounded score of 0 or 1 has no logit
    score = predictions["score"].clip(edge, 1 - edge)
    mean = np.log(score / (1 - score)).groupby([predictions[column] for column in by], sort=False).mean()
    return 1 / (1 + np.exp(-mean))
