"""The review form of 02_verification in JupyterLab: one case at a time, every decision on disk at once.

following  what a value makes of the findings above and below
cases      the cases of a review and their order
journal    what a reader did, as the reader's file has it
modes      as usual, blinded, follow-up, adjudication
filters    which cases are shown
session    the state of a review without any widget
sheet      the template as a compact form
keyboard   keys, where anywidget is installed
words      what the form says
controls   the bars above and below
page       all of it together
starting   a name and a mode; without a person, the readers' progress
"""

from labkit.verification.form.cases import Cases
from labkit.verification.form.page import Page
from labkit.verification.form.session import Session
from labkit.verification.form.starting import progress_table, review

__all__ = ["Cases", "Page", "Session", "progress_table", "review"]
