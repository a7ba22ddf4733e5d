"""From report text to labels.

words       tokens of a report, spelling-tolerant terms and the lexicon that finds them
languages   the cues of a language, one YAML file each
sentences   sections and sentences of a report
cues        what a sentence says of a mention: stated, negated, hedged, past, asked
mentions    lesions and places of a sentence, and which belongs to which
rules       the rule-based extractor
quotes      where a quote stands in a report
"""
