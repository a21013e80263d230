"""Every constant of matching, with the measurement that gave it.

Tuned on one half of the reference crops of single handwritten names and
checked on the other (``python -m tests.bench.reading``): figures in docs/bench.md.
"""

from __future__ import annotations

import math

# -- probabilities of the reader -> emission of a symbol -----------------------------------------

# A recogniser that is sure is still wrong about one letter in 100 on handwritten capitals.
SMOOTHING = 0.01
# Share of a look-alike's probability that counts for a letter (D read as O, M as H).
LOOK_ALIKE_SHARE = 0.03

# -- log-likelihood ratios, in nats, the free reading being 0 --------------------------------------

# A name outside the roster costs its letters: the entropy of French names is about 2.3 nat a letter.
STRANGER_NAT_PER_LETTER = 2.0
# ... but a long name is no proof: brothers and sisters share it, on the roster or not.
STRANGER_NAME_NAT = 14.0
# A birth date outside the roster: one day of three school years.
STRANGER_DATE_NAT = 7.0
# A class outside the roster.
STRANGER_CLASS_NAT = 2.5
# How often a field holds something else than the candidate's own value.
SLIP = {"surname": 0.01, "first_name": 0.01, "full_name": 0.01, "birth_date": 0.03, "class": 0.1}
PART_OF_NAME_NAT = 2.5
BOTH_NAMES_IN_ONE_FIELD_NAT = 4.0
SWAPPED_FIELDS_NAT = 5.0
# Neighbouring letters of one word are wrong together, so evidence counts for less than it says.
TEMPERATURE = 0.6

# -- priors of the batch ---------------------------------------------------------------------------

STRANGER_PRIOR = 0.02
# 28 pupils, 44 sheets: another sheet of the same pupil follows in 16 of 44.
SAME_PUPIL_PRIOR = 0.35
MAX_SHEETS = 3
# A sheet of a pupil already seen elsewhere in the batch (fed apart): one in 50.
SEPARATED_SHEET_PRIOR = 0.02

# -- border between automatic and review -----------------------------------------------------------

AUTOMATIC_PROBABILITY = 0.995
# Each written name against its free reading: a look-alike letter costs 3.5 nat, any other wrong or
# missing letter up to 7.9, so that a sister whose name differs by a letter is looked at by a person.
AUTOMATIC_FREE_NAT = 4.4
AUTOMATIC_FREE_NAT_PER_SYMBOL = 0.9
# With the birth date and the other name as on the roster, one letter may be quite wrong, or two look alike.
CONFIRMED_LENIENCY = 2.0
# Candidate against the next one, and against the next group that could be the same candidate.
AUTOMATIC_ROW_NAT = 5.0
AUTOMATIC_COLUMN_NAT = 3.0
# Another group whose own fields give it the candidate with this probability is a rival.
RIVAL_CLAIM = 0.5
# What is written must say enough: ratio of the candidate to a stranger.
AUTOMATIC_STRANGER_NAT = 6.0
# Between homonyms the birth date alone decides.
# (a look-alike figure is worth 3.5 nat and does not decide, any other figure about 7).
HOMONYM_DATE_NAT = 4.0
# A field is shown as matched when it is this near to the free reading: no letter unexplained.
MATCHED_NAT = 4.4
MATCHED_NAT_PER_SYMBOL = 0.9

NEVER_CERTAIN = 0.9999


def stranger_offset(candidates: int) -> float:
    """Log prior odds of "nobody of the roster" against one given candidate."""
    return math.log(STRANGER_PRIOR * max(1, candidates) / (1 - STRANGER_PRIOR))
