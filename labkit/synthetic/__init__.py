"""A synthetic cohort: two hospitals with reports, radiographs and the truth behind them.

The embedded default input of every notebook, and the simulator that extraction, training and statistics are measured
against; the same settings give the same bytes.
`generate` writes `<site>/reports.csv`, `<site>/dicom/…/*.dcm`, `truth.csv`, `identifiers.csv` and, last,
`manifest.json`.
"""

from labkit.synthetic.cohort import Cohort, Study
from labkit.synthetic.manifest import COLUMNS, Manifest
from labkit.synthetic.settings import Settings, Site
from labkit.synthetic.writing import generate

__all__ = ["COLUMNS", "Cohort", "Manifest", "Settings", "Site", "Study", "generate"]
