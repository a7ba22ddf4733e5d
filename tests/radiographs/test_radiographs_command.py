"""labkit index: the table of a folder from the shell."""

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from labkit.cli import main
from labkit.delimited import read_csv


@pytest.fixture
def run(tmp_path):
    """A factory: index the folder `in` with options; gives the exit code, what was said and the table."""

    def index(*options):
        output = tmp_path / "images.csv"
        result = CliRunner().invoke(main, ["index", str(tmp_path / "in"), "-o", str(output), *options])
        return result, read_csv(output).table.set_index("path") if output.exists() else None

    return index


def test_modality_and_body_part_close_the_list(tmp_path, dx, run):
    dx(tmp_path / "in" / "elbow", BodyPartExamined="ELBOW")
    dx(tmp_path / "in" / "chest", BodyPartExamined="CHEST")
    dx(tmp_path / "in" / "film", Modality="CR", BodyPartExamined="ELBOW")
    result, found = run("--modality", "DX", "--body-part", "elbow")
    assert result.exit_code == 0
    assert found.usable.to_dict() == {"elbow": "true", "chest": "false", "film": "false"}
    assert found.reason["film"] == "modality CR is not among DX"


def test_exports_are_identified_by_their_path(tmp_path, run):
    (tmp_path / "in").mkdir()
    Image.fromarray(np.zeros((9, 9), np.uint8)).save(tmp_path / "in" / "A7_lat.png")
    assert run()[1].loc["A7_lat.png", ["usable", "accession_number", "view"]].tolist() == ["true", "", ""]
    _, found = run("--path-pattern", r"(?P<accession_number>A\d+)_(?P<view>ap|lat)")
    assert found.loc["A7_lat.png", ["usable", "accession_number", "view"]].tolist() == ["true", "A7", "LATERAL"]


@pytest.mark.parametrize(
    ("pattern", "sentence"),
    [("(", "'(' is not a regular expression"), ("(?P<name>x)", "the group 'name' is not known; known: accession")],
)
def test_a_wrong_pattern_is_one_sentence(tmp_path, run, pattern, sentence):
    (tmp_path / "in").mkdir()
    result, found = run("--path-pattern", pattern)
    assert result.exit_code == 2 and found is None
    assert sentence in result.output and "Traceback" not in result.output
