"""What is wrong with the words of a question: missing, untranslated, or telling."""

import re
from collections.abc import Iterator

from medmeta_ref.questions.choices import Option
from medmeta_ref.questions.words import Words

TELL = 1.5  # a right option longer than this times the others' mean gives itself away ...
SLACK = 8  # ... unless the options are so short that this many columns are the whole difference
MAX_FOREIGN_WORDS = 3  # names may stand in a Chinese text, sentences may not

_CHINESE = r"\u3400-\u9fff"
_CODE_OR_FORMULA = re.compile(r"`[^`]*`|\$[^$]*\$|\{\w+\}")
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_URL = re.compile(r"https?://|www\.")
_HALF_WIDTH = re.compile(rf"[{_CHINESE}][,;:?!]|[{_CHINESE}]\.(?:\s|$)")
_FOREIGN = re.compile(rf"[A-Za-z][A-Za-z'-]*(?:\s+[A-Za-z][A-Za-z'-]*){{{MAX_FOREIGN_WORDS},}}")


def word_problems(text: Words) -> Iterator[str]:
    """Yield what is wrong with one text."""
    en, zh = (_CODE_OR_FORMULA.sub("", each) for each in text)
    if not text.en.strip() or not text.zh.strip():
        yield "is empty in one language; write both"
        return
    if re.search(f"[{_CHINESE}]", en):
        yield "has Chinese in its English"
    if not re.search(f"[{_CHINESE}]", zh) and re.search(r"(?<![\w-])[a-z]{3,}(?![\w-])", en):
        yield f"has no Chinese in its Chinese: {text.zh[:40]!r}"
    leftover = _FOREIGN.search(zh)
    if leftover and re.search(f"[{_CHINESE}]", zh):
        yield f"has an English sentence in its Chinese: {leftover[0][:40]!r}"
    half = _HALF_WIDTH.search(zh)
    if half:
        yield f"has western punctuation after a Chinese character: {half[0]!r}"
    if any(_URL.search(each) for each in text):
        yield "needs a web page; say what one has to know"


def number_problems(text: Words) -> Iterator[str]:
    """Yield the numbers of a stem that stand in one language only."""
    en, zh = (set(_NUMBER.findall(each)) for each in text)
    if en - zh:
        yield f"has {', '.join(sorted(en - zh))} in English only"
    if zh - en:
        yield f"has {', '.join(sorted(zh - en))} in Chinese only"


def length_tells(options: tuple[Option, ...]) -> Iterator[str]:
    """Yield the right options that are much longer than the wrong ones."""
    for language in ("en", "zh"):
        wrong = [_columns(o.text.in_(language)) for o in options if not o.is_right]
        if not wrong:
            continue
        mean = sum(wrong) / len(wrong)
        for option in options:
            text = option.text.in_(language)
            if option.is_right and _columns(text) > max(TELL * mean, mean + SLACK):
                yield (
                    f"has a right option that its length gives away in {language}: "
                    f"{_columns(text)} columns, the wrong ones {mean:.0f}: {text[:40]!r}"
                )


def _columns(text: str) -> int:
    return sum(2 if ord(character) > 0x2E7F else 1 for character in text)
