"""Declared columns of every file that crosses a step, one `Table` each; `tables` checks, reads and writes by them.

Ids and label values are text, so `0012` stays `0012` and `true` stays a word. Label values are those of
`templates.LabelValue`.
"""

from dataclasses import dataclass, field, replace

__all__ = [
    "ACTIONS",
    "ANSWERS",
    "CURVES",
    "DISAGREEMENTS",
    "DOSES",
    "EXCLUDED",
    "FINDINGS",
    "FLAGS",
    "IMAGES",
    "KEYS",
    "LABELS",
    "METRICS",
    "PREDICTIONS",
    "RAISED",
    "READINGS",
    "RESOLUTIONS",
    "REVIEWS",
    "SPLITS",
    "SPLIT_NAMES",
    "STUDIES",
    "TARGETS",
    "VALUES",
    "Table",
]

VALUES = ("true", "false", "uncertain")
FLAGS = ("true", "false")
# What a row of a reader's file does: give a value (with the extracted one in view, from the report alone, as what
# another value implies, or as it was before), take one's value back, ask a second reader (or no longer), or comment.
ACTIONS = ("read", "blind", "implied", "undo", "withdraw", "ask", "unask", "comment")
# What a reading settles: what the report says, what a follow-up showed, and either where readers differ.
RESOLUTIONS = ("report", "follow_up", "adjudication", "follow_up_adjudication")
SPLIT_NAMES = ("train", "validation", "test", "external")


@dataclass(frozen=True)
class Table:
    """A contract: which columns a table has, which of them form its key, and what they may hold.

    `numbers` become float64 (empty = NaN), `integers` int64, every other column text; `allowed` closes the values of a
    column (an empty text is allowed only where it is listed); a file without a column of `defaults` is as old as to
    mean that value.
    """

    name: str
    key: tuple[str, ...]
    columns: tuple[str, ...]
    numbers: tuple[str, ...] = ()
    integers: tuple[str, ...] = ()
    allowed: dict[str, tuple[str, ...]] = field(default_factory=dict)
    defaults: dict[str, str] = field(default_factory=dict)

    @property
    def all_columns(self) -> tuple[str, ...]:
        return self.key + self.columns


KEYS = Table("KEYS", ("study_id",), ("patient", "site", "report_id", "accession_number", "patient_id", "study_uid"))
STUDIES = Table(
    "STUDIES",
    ("study_id",),
    ("patient", "site", "text_sha256", "usable", "reason", "study_date", "sex", "age", "hardware"),
    allowed={"usable": FLAGS, "hardware": FLAGS},
)
IMAGES = Table(
    "IMAGES",
    ("image_id",),
    ("study_id", "site", "view", "laterality", "path", "frame", "usable", "reason")
    + ("rows", "columns", "transfer_syntax", "file_sha256", "view_source", "burned_in", "device"),
    integers=("frame", "rows", "columns"),
    allowed={"usable": FLAGS, "burned_in": ("yes", "no", "")},
    defaults={"device": ""},
)
EXCLUDED = Table("EXCLUDED", ("site", "kind", "item"), ("reason", "detail"), allowed={"kind": ("report", "image")})
FINDINGS = Table(
    "FINDINGS",
    ("study_id", "finding", "source"),
    ("value", "evidence", "start", "end", "grounded", "confidence", "hedge"),
    numbers=("confidence",),
    integers=("start", "end"),
    allowed={"value": VALUES, "grounded": (*FLAGS, "")},
)
ANSWERS = Table(
    "ANSWERS",
    ("study_id", "source"),
    ("status", "reason", "model", "prompt_tokens", "completion_tokens", "cost", "seconds"),
    numbers=("cost", "seconds"),
    integers=("prompt_tokens", "completion_tokens"),
    allowed={
        "status": ("ok", "refused", "filtered", "truncated", "invalid", "error", "blocked", "skipped"),
    },
)
# Labels that the hierarchy raised (a part implies its whole); `answered` is empty where the extractor gave no value.
RAISED = Table(
    "RAISED",
    ("study_id", "finding", "source"),
    ("answered", "value"),
    allowed={"answered": (*VALUES, ""), "value": VALUES},
)
# Labels on which the two extractors of a run differ, the farthest apart first.
DISAGREEMENTS = Table(
    "DISAGREEMENTS",
    ("study_id", "finding"),
    ("first", "first_value", "first_grounded", "first_evidence")
    + ("second", "second_value", "second_grounded", "second_evidence"),
    allowed={
        "first_value": VALUES,
        "first_grounded": (*FLAGS, ""),
        "second_value": VALUES,
        "second_grounded": (*FLAGS, ""),
    },
)
REVIEWS = Table(
    "REVIEWS",
    ("study_id", "finding", "reader", "sequence"),
    ("value", "previous", "reviewed_at", "seconds", "resolution", "comment", "text_sha256", "action", "source"),
    numbers=("seconds",),
    integers=("sequence",),
    allowed={"value": VALUES, "previous": (*VALUES, ""), "resolution": RESOLUTIONS, "action": ACTIONS},
    defaults={"action": "read", "source": ""},
)
# A reader's own file, everything that was done: REVIEWS, and rows without a value such as a comment on a whole case.
READINGS = replace(REVIEWS, name="READINGS", allowed=REVIEWS.allowed | {"value": (*VALUES, "")})
SPLITS = Table("SPLITS", ("patient",), ("split",), allowed={"split": SPLIT_NAMES})
LABELS = Table(
    "LABELS",
    ("study_id", "finding"),
    ("patient", "site", "split", "extracted", "value", "reference", "verification"),
    allowed={
        "split": SPLIT_NAMES,
        "extracted": VALUES,
        "value": VALUES,
        "reference": VALUES,
        "verification": ("none", "human", "simulated"),
    },
)
TARGETS = Table(
    "TARGETS",
    ("study_id", "finding", "policy"),
    ("split", "value", "target", "weight"),
    numbers=("target", "weight"),
    allowed={"value": VALUES, "split": SPLIT_NAMES[:2]},
)
PREDICTIONS = Table(
    "PREDICTIONS",
    ("study_id", "finding", "policy", "seed"),
    ("split", "site", "score"),
    numbers=("score",),
    integers=("seed",),
    allowed={"split": SPLIT_NAMES[1:]},
)
METRICS = Table(
    "METRICS",
    ("finding", "metric", "site", "policy", "reading"),
    ("value", "low", "high", "level", "n", "n_positive", "method"),
    numbers=("value", "low", "high", "level", "n", "n_positive"),
)
CURVES = Table(
    "CURVES",
    ("finding", "curve", "site", "policy", "point"),
    ("x", "y", "low", "high", "threshold"),
    numbers=("x", "y", "low", "high", "threshold"),
    integers=("point",),
)
# Results of trainings at several shares of uncertain labels (0 to 1), one row per training, test site and number; what
# a study of dose and response writes, `evaluation.dose_response` fits and the figures draw.
DOSES = Table(
    "DOSES",
    ("policy", "share", "seed", "site", "metric"),
    ("value",),
    numbers=("share", "value"),
    integers=("seed",),
)
