"""Ink only, one style: tables go in, axes or pictures come out; no number is estimated here.

style          colours, marks, fonts and sizes for print
saving         files of a figure, its number and caption
flow           the cohort, from reports to splits
labels         how often values occur, how right the extraction was
panels         small panels side by side
curves         ROC and precision-recall
calibration, decision   what a score means and is worth
forest, matrix          AUC by finding, policy and site
dose, learning          over shares of doubt, over epochs
explanations, overlay   where a network looks
"""

from labkit.figures.calibration import calibration_panels
from labkit.figures.curves import curve_panels
from labkit.figures.decision import decision_panels
from labkit.figures.dose import dose_plot
from labkit.figures.explanations import explanation_panel
from labkit.figures.flow import cohort_flow, flow_chart
from labkit.figures.forest import auc_forest, forest
from labkit.figures.labels import accuracy_bars, accuracy_by_site, accuracy_map, agreement, agreement_map, prevalence
from labkit.figures.learning import history, learning_curves
from labkit.figures.matrix import site_matrix
from labkit.figures.saving import Album, Picture, save
from labkit.figures.style import figure, style

__all__ = [
    "Album",
    "Picture",
    "accuracy_bars",
    "accuracy_by_site",
    "accuracy_map",
    "agreement",
    "agreement_map",
    "auc_forest",
    "calibration_panels",
    "cohort_flow",
    "curve_panels",
    "decision_panels",
    "dose_plot",
    "explanation_panel",
    "figure",
    "flow_chart",
    "forest",
    "history",
    "learning_curves",
    "prevalence",
    "save",
    "site_matrix",
    "style",
]
