"""Tables, methods text and checklists for the paper; the work of the last section of 05_figures.

material                              what was done and found, read once
cohort_table, extraction_table,
performance_table                     Tables 1 to 3, every number as the tables of 01, 02 and 04 hold it
suppression                           small counts, and those that would give them away
cohort_text, labels_text,
network_text, statistics_text,
limits_text                           sentences by name, empty where something is not known
methods, references                   the text made of them, what it cites
checklists                            CLAIM, TRIPOD+AI, STARD-AI, MI-CLEAR-LLM, filled by the same sentences
numbers, sheets                       numbers as journals print them; a table before it has a format
as_html, as_latex, as_word            the formats
paper                                 all of it together, shown and written
"""

from labkit.manuscript.material import Material, collect
from labkit.manuscript.paper import Paper, show, show_checklists, show_text, typeset, write

__all__ = ["Material", "Paper", "collect", "show", "show_checklists", "show_text", "typeset", "write"]
