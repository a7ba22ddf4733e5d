"""The panel of maps: the outcome by the threshold, the same cases under several policies, one scale per row."""

from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from labkit.figures.explanations import explanation_panel
from labkit.training.explained import CASES, ROLES, Explained

SCORES = {"positive": (0.9, 0.3, 0.6), "negative": (0.7, 0.1, 0.2)}


@pytest.fixture(autouse=True)
def tidy():
    yield
    plt.close("all")


def explained(policy="inclusive", *, method="CAM", findings=("Ossicles", "Exostosis"), views=("AP", "LATERAL")):
    rows, rng = [], np.random.default_rng(3)
    for finding in findings:
        for role in ROLES:
            way, kind = role.split("_")
            score = SCORES[kind][("highest", "lowest", "drawn").index(way)]
            for slot, view in enumerate(views):
                study = f"S-{len(rows) // len(views):04d}"
                rows.append((finding, role, slot, study, policy, view, f"{study}-{view}", score, method)
                            + (0.5, 0.25, -0.1, len(rows), "shown"))  # fmt: skip
    cases = pd.DataFrame(rows, columns=list(CASES.all_columns))
    checks = pd.DataFrame(
        {"check": "rank correlation", "compared": ["last layer", "all layers"], "value": [0.31, -0.04]}
    )
    pictures = {name: rng.integers(0, 255, (90, 60)).astype(np.uint8) for name in cases.image_id}
    maps = rng.normal(0, 2, (len(cases), 4, 4)).astype(np.float32)
    return Explained(cases, checks, maps, -maps, pictures, "The maps depend on what was learnt.")


def thresholds(value=0.5, policies=("inclusive", "exclusive"), findings=("Ossicles", "Exostosis")):
    rows = [(finding, "threshold", policy, value) for policy in policies for finding in findings]
    return pd.DataFrame(rows, columns=["finding", "metric", "policy", "value"])


def outcomes(picture, finding="Ossicles"):
    return picture.data[picture.data.finding == finding].drop_duplicates("chosen").set_index("chosen").outcome.to_dict()


def test_each_extreme_is_the_outcome_that_the_threshold_makes_of_it():
    picture = explanation_panel({"inclusive": explained()}, thresholds(), max_findings=2)
    assert outcomes(picture) == {
        "highest_positive": "true positive",
        "highest_negative": "false positive",
        "lowest_negative": "true negative",
        "lowest_positive": "false negative",
    }


def test_an_outcome_without_a_case_is_said_and_not_drawn():
    picture = explanation_panel({"inclusive": explained()}, thresholds(0.25), max_findings=1)
    assert "lowest_positive" not in outcomes(picture)
    assert "none is missed" in {text.get_text() for ax in picture.figure.axes for text in ax.texts}


def test_several_policies_share_their_cases_and_each_has_its_own_outcome():
    shown = {"inclusive": explained(), "exclusive": explained("exclusive")}
    metrics = thresholds()
    metrics.loc[metrics.policy == "exclusive", "value"] = 0.8
    picture = explanation_panel(shown, metrics, max_findings=1)
    by_policy = picture.data.drop_duplicates(["policy", "chosen"]).set_index(["policy", "chosen"]).outcome
    assert by_policy["inclusive", "drawn_positive"] == "true positive"
    assert by_policy["exclusive", "drawn_positive"] == "false negative"
    assert set(picture.data.chosen) == {"drawn_positive", "drawn_negative"}


def test_findings_without_a_threshold_are_left_out_and_nothing_at_all_is_no_picture():
    metrics = thresholds(findings=("Exostosis",))
    picture = explanation_panel({"inclusive": explained()}, metrics, max_findings=2)
    assert set(picture.data.finding) == {"Exostosis"}
    assert explanation_panel({"inclusive": explained()}, metrics.iloc[:0], max_findings=2) is None
    nothing = explained()
    nothing = replace(nothing, cases=nothing.cases.iloc[:0])
    assert explanation_panel({"inclusive": nothing}, thresholds(), max_findings=2) is None


def test_the_colour_of_a_logit_map_begins_at_the_threshold():
    found = explained(views=("AP",), findings=("Ossicles",))
    found.maps[:] = -1.0
    found.maps[0, 1, 2] = 3.0
    picture = explanation_panel({"inclusive": found}, thresholds(), max_findings=1)
    first, others = picture.figure.axes[0], picture.figure.axes[1:4]
    colours = first.images[1].get_array()
    assert colours[36, 60, 3] == pytest.approx(0.62, abs=0.02)
    assert colours[80, 5, 3] == 0
    assert all(ax.images[1].get_array()[..., 3].max() == 0 for ax in others)


def test_radiographs_keep_their_aspect_and_a_map_lies_on_the_padded_square():
    picture = explanation_panel({"inclusive": explained()}, thresholds(), max_findings=1)
    ax = picture.figure.axes[0]
    assert ax.images[0].get_extent() == pytest.approx([1 / 6, 5 / 6, 1, 0])
    assert ax.get_xlim() == pytest.approx((1 / 6, 5 / 6))
    assert ax.get_aspect() == 1


def test_what_is_held_back_shows_no_pixel():
    picture = explanation_panel({"inclusive": replace(explained(), pictures={})}, thresholds(), max_findings=1)
    assert not any(ax.images for ax in picture.figure.axes[:8])


def test_the_caption_tells_method_sanity_check_and_choice():
    picture = explanation_panel({"inclusive": explained(method="HiResCAM")}, thresholds(), max_findings=2)
    for words in ("HiResCAM (4 x 4 places)", "last layer 0.31, all layers -0.04", "most certain case of each outcome"):
        assert words in picture.caption
    assert "an order of places" in picture.caption
    assert picture.figure.get_figheight() < 9.3
