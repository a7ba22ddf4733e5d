"""De-identification before a report leaves the house, and a last look at what is shared.

languages   the cues of a language, from one YAML file each
lexicon     which words are ordinary and which are names
eponyms     names that are medical terms
cues        one pass over the words of a text
names       read a name forwards or backwards from a cue
people      patients, relatives, physicians
dates       dates and birth dates
contacts    phone, e-mail, web, numbers of cases and persons
places      addresses, wards
institutions  hospitals, practices, schools
signatures  who signs, dictates and types, told by the place
records     fields beside identifiers, heads of letters
strangers   names without any cue: capitals in no vocabulary
lowercase   names in small letters
edges       particles, initials, degrees; the same name elsewhere
spellings   names and dates of columns, folded words
known       identifiers from columns: values, dates, numbers
cohort      known names
gate        all of these in front of an endpoint
scan        known identifiers in a folder of results
"""

from labkit.deidentification.gate import Gate
from labkit.deidentification.known import KnownIdentifiers, identifiers_by_text
from labkit.deidentification.scan import scan_folder
from labkit.deidentification.spans import Cleaned, Span

__all__ = ["Cleaned", "Gate", "KnownIdentifiers", "Span", "identifiers_by_text", "scan_folder"]
