"""A synthetic cohort: two hospitals with reports, radiographs and the truth behind them.

The embedded default input of every notebook, and the simulator that extraction, training and statistics are measured
against; the same settings give the same bytes.
`generate` writes `<site>/reports.csv`, `<site>/dicom/…/*.dcm`, `truth.csv`, `identifiers.csv` and, last,
`manifest.json`.
"""

from importlib import import_module

from labkit.synthetic.settings import Settings, Site

__all__ = ["COLUMNS", "Cohort", "Manifest", "Settings", "Site", "Study", "generate"]

# Looked up when used: params need the settings alone, not what writes DICOM.
_HOMES = {
    "COLUMNS": "manifest",
    "Cohort": "cohort",
    "Manifest": "manifest",
    "Study": "cohort",
    "generate": "writing",
}


def __getattr__(name: str):
    if name not in _HOMES:
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
