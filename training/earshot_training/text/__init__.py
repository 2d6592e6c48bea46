"""Text as the models read it: tokenisers, look-up of words, and the tables it needs.

`TOKENISERS` maps the names that a manifest may have to functions from a text to its tokens. The runtime
(src/encoding) has a twin of each.
"""

from earshot_training.text import word2vec_english
from earshot_training.text.lemmas import Lemmas, LemmaTableError
from earshot_training.text.reader import Reader, Reading
from earshot_training.text.spelling import Spelling, SpellingTableError
from earshot_training.vocabulary import TOKENISER as SIMPLE_ENGLISH
from earshot_training.vocabulary import tokenise as tokenise_simple_english

WORD2VEC_ENGLISH = word2vec_english.TOKENISER
TOKENISERS = {SIMPLE_ENGLISH: tokenise_simple_english, WORD2VEC_ENGLISH: word2vec_english.tokenise}

__all__ = [
    "SIMPLE_ENGLISH",
    "TOKENISERS",
    "WORD2VEC_ENGLISH",
    "LemmaTableError",
    "Lemmas",
    "Reader",
    "Reading",
    "Spelling",
    "SpellingTableError",
]
