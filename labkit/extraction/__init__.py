"""From report text to labels.

By rules, offline: `rules` is called with a text. Beneath it, from the letters up:

spelling, words         tokens of a report, spelling-tolerant terms and the lexicon that finds them
languages               the cues of a language, one YAML file each
sentences               sections and sentences of a report
mentions, linking       lesions, places and cues of a sentence, and which lesion is where
scopes, cues            what a sentence says of a lesion: stated, hedged, negated, past, asked
reading, statements     the sentences of a report one after the other, and one value per finding

By a model: `chat` asks any OpenAI-compatible endpoint; `batch` does the same through the Batch API.

Both, over a cohort: `labelling` runs one or two extractors, `quotes` finds where a quote stands in its report.

placeholders            what the de-identification gate replaced, by type and site
summaries, hedges       counts over the labels, failures, confidence; hedge phrases that may be shown
agreement               two extractors side by side, and where they differ
methods                 the table of MI-CLEAR-LLM and the prompt, for a supplement
viewing, report         reports as a person reads them; the parts of the page that are more than a table
selection, browser      which reports a person wants to see, and the viewer of JupyterLab
"""
