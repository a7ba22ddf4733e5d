"""From report text to labels.

By rules, offline: `rules` is called with a text. Beneath it, from the letters up:

spelling, words         tokens of a report, spelling-tolerant terms and the lexicon that finds them
languages               the cues of a language, one YAML file each
sentences               sections and sentences of a report
mentions, linking       lesions, places and cues of a sentence, and which lesion is where
scopes, cues            what a sentence says of a lesion: stated, hedged, negated, past, asked
reading, statements     the sentences of a report one after the other, and one value per finding

By a model: `chat` asks any OpenAI-compatible endpoint; `batch` does the same through the Batch API.

`labelling` runs one or both over a cohort, `quotes` finds where a quote stands in its report, `viewing` shows it.
"""
