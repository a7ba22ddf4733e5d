"""The command `labkit`: check and run a study, or do one step of it for a file or a folder.

Modules are imported by the command that needs them, so that `labkit --help` answers at once.
"""

import click

from labkit import __version__
from labkit.cli import dose, single, study, train
from labkit.cli.shown import Group

__all__ = ["main"]


@click.group(cls=Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="labkit")
def main() -> None:
    """From free-text radiology reports to verified labels, image classifiers and reports to publish.

    \b
    A study from its params files:
      labkit check params/elbow.yaml      says what is wrong and what would run
      labkit run params/*.yaml --jobs 4   runs it; pages in reports/index.html
    One step for a file or folder:
      labkit extract reports.csv --template elbow -o labels.csv
      labkit index dicom/ -o images.csv --decode
      labkit predict model/ dicom/ -o predictions.csv
    """


for command in (study.check, single.extract, single.index, study.lab, study.run, study.scan, single.synthetic):
    main.add_command(command)
for command in (train.train, train.predict, train.export, dose.dose):
    main.add_command(command)
