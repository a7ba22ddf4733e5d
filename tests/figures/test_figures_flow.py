"""Numbers of the cohort's flow add up, and the chart shows them."""

import itertools

import numpy as np
import pandas as pd
import pytest

from labkit import figures, tables
from labkit.errors import TableError
from labkit.figures.flow import OF_VIEWS
from labkit.radiographs import choosing


def rows(table, given):
    """A table of a contract from the columns given; the others are empty."""
    frame = pd.DataFrame(given)
    for column in table.all_columns:
        if column not in frame:
            frame[column] = 0 if column in (*table.integers, *table.numbers) else ""
    return tables.check(frame, table)


@pytest.fixture
def cohort():
    """Two sites: 12 readable reports at home (3 broken rows, 2 not linked, 1 without a view, 1 refused), 4 away."""
    reasons = {0: "no image has its accession number", 1: "its accession number stands in 2 reports"}
    reasons |= {2: "no usable LATERAL image"}
    own = [
        {"study_id": f"S-{k:04d}", "patient": f"P-{k // 2:04d}", "site": "home", "hardware": "false",
         "usable": str(k not in reasons).lower(), "reason": reasons.get(k, "")}
        for k in range(12)
    ]  # fmt: skip
    own += [{**own[5], "study_id": f"S-{k:04d}", "patient": f"P-{k:04d}", "site": "away"} for k in range(20, 24)]
    studies = rows(tables.STUDIES, own)
    broken = [
        {"site": "home", "kind": "report", "item": f"row {k}", "reason": f"line {k} has 2 fields"} for k in (3, 8)
    ]
    broken += [{"site": "home", "kind": "report", "item": "row 11", "reason": "no text"}]
    unusable = [
        {"site": s["site"], "kind": "report", "item": s["study_id"], "reason": s["reason"]}
        for s in own if s["usable"] == "false"
    ]  # fmt: skip
    excluded = rows(
        tables.EXCLUDED, [*broken, *unusable, {"site": "home", "kind": "image", "item": "i", "reason": "x"}]
    )
    kept = [s for s in own if s["usable"] == "true" and s["study_id"] != "S-0004"]
    answers = [{"study_id": s["study_id"], "source": "rules", "status": "ok"} for s in kept]
    answers.append({"study_id": "S-0004", "source": "rules", "status": "refused"})
    splits = {"home": ["train", "train", "validation", "test"], "away": ["external"]}
    values = dict.fromkeys(("extracted", "value", "reference"), "false") | {"verification": "none"}
    labels = [
        {"study_id": s["study_id"], "patient": s["patient"], "site": s["site"], "finding": finding,
         "split": splits[s["site"]][int(s["patient"][2:]) % len(splits[s["site"]])], **values}
        for s in kept for finding in ("Ossicles", "Fracture")
    ]  # fmt: skip
    return studies, excluded, rows(tables.ANSWERS, answers), rows(tables.LABELS, labels)


def left(flow, site, step):
    return int(flow[(flow.site == site) & (flow.step == step) & (flow.kind == "left")].n.item())


def out(flow, site, step):
    own = flow[(flow.site == site) & (flow.step == step) & (flow.kind == "out")]
    return dict(zip(own.reason, own.n))


def test_each_step_is_the_next_one_and_all_that_is_left_out_between(cohort):
    flow = figures.cohort_flow(cohort[0][::-1], *cohort[1:])
    assert list(dict.fromkeys(flow.site)) == ["home", "away"], "the site that trains comes first"
    assert [left(flow, "home", step) for step in ("reports", "studies", "linked", "usable", "labelled")] == [
        15,
        12,
        10,
        9,
        8,
    ]
    for site in ("home", "away"):
        steps = list(dict.fromkeys(flow[(flow.site == site) & (flow.kind == "left")].step))
        for step, following in itertools.pairwise(steps):
            assert left(flow, site, step) == left(flow, site, following) + sum(out(flow, site, step).values())
        split = flow[(flow.site == site) & (flow.kind == "split")]
        assert split.n.sum() == left(flow, site, "labelled")
        assert split.patients.sum() == flow[(flow.site == site) & (flow.step == "labelled")].patients.iloc[0]


def test_reasons_are_counted_without_the_numbers_of_single_rows(cohort):
    flow = figures.cohort_flow(*cohort)
    assert out(flow, "home", "reports") == {"line n has n fields": 2, "no text": 1}
    assert out(flow, "home", "studies") == {
        "its accession number stands in n reports": 1,
        "no image has its accession number": 1,
    }
    assert out(flow, "home", "linked") == {"no usable LATERAL image": 1}
    assert out(flow, "home", "usable") == {"no labels: refused": 1}
    assert out(flow, "away", "studies") == {}


@pytest.mark.parametrize("used", [[], ["AP"]])
def test_what_the_linking_says_of_missing_views_is_known_as_such(used):
    records = [
        {"view": view, "reason": "" if view in used else "cannot be read", "image_id": "i"}
        for view in ("AP", "LATERAL")
    ]
    reason, *_ = choosing.complete_views(records, ("AP", "LATERAL"), "drop", "")
    assert reason.startswith(OF_VIEWS)


def test_without_radiographs_no_step_speaks_of_them(cohort):
    studies, excluded, answers, labels = cohort
    studies = studies.assign(usable="true", reason="")
    flow = figures.cohort_flow(studies, excluded, answers, labels, has_images=False)
    assert list(dict.fromkeys(flow.step)) == ["reports", "studies", "labelled"]
    assert sum(out(flow, "home", "studies").values()) == 4
    assert out(flow, "home", "studies") == {"no labels: not asked": 3, "no labels: refused": 1}


def test_tables_of_different_runs_are_refused(cohort):
    studies, excluded, answers, labels = cohort
    with pytest.raises(
        TableError, match=r"labels: 1 studies are not usable ones of studies, first S-9999; run 01 and 02"
    ):
        figures.cohort_flow(studies, excluded, answers, pd.concat([labels, labels[:1].assign(study_id="S-9999")]))


def test_the_chart_shows_every_number_of_the_table_and_no_box_leaves_the_page(cohort, closed):
    flow = figures.cohort_flow(*cohort)
    made = figures.flow_chart(flow)
    drawn = closed(made.figure)
    drawn.draw_without_rendering()
    texts = [text.get_text() for text in drawn.axes[0].texts]
    for row in flow[flow.kind != "out"].itertuples():
        patients = "" if np.isnan(row.patients) else f" ({int(row.patients)})"
        assert any(f"n = {row.n}{patients}" in text for text in texts)
    assert any("Left out: n = 3\nline n has n fields (2)\nno text (1)" in text for text in texts)
    assert made.data.equals(flow) and "19 reports received, 12 studies labelled (2 sites)" in made.caption
    for text in drawn.axes[0].texts:
        box = text.get_window_extent()
        assert box.x0 >= 0 and box.x1 <= drawn.bbox.x1 and box.y0 >= 0 and box.y1 <= drawn.bbox.y1, text.get_text()
    framed = [patch for patch in drawn.axes[0].patches if patch.get_width() > 0.2]
    frames = [(p.get_x(), p.get_y(), p.get_x() + p.get_width(), p.get_y() + p.get_height()) for p in framed]
    for n, (x0, y0, x1, y1) in enumerate(frames):
        for u0, v0, u1, v1 in frames[n + 1 :]:
            assert x1 <= u0 or u1 <= x0 or y1 <= v0 or v1 <= y0, "two boxes overlap"


def test_many_sites_are_one_column_and_many_reasons_a_few_lines(cohort, closed):
    flow = figures.cohort_flow(*cohort)
    more = [flow[flow.site == "home"].assign(site=f"site {n}") for n in range(3)]
    extra = pd.DataFrame([("home", "studies", "out", f"reason {c}", 1, np.nan) for c in "abcdef"], columns=flow.columns)
    made = figures.flow_chart(pd.concat([flow, *more, extra], ignore_index=True))
    texts = [text.get_text() for text in closed(made.figure).axes[0].texts]
    assert texts[0] == "all sites" and any("Reports received\nn = 64" in text for text in texts)
    assert any("\nother reasons (" in text for text in texts)
