"""What folders' names tell: parts of a split, classes that everybody knows, wrappers, litter. Standard library only."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable

_SEPARATORS = re.compile(r"[\s_.\-\u2010-\u2015]+")
_SPACES = re.compile(r"[\s_]+|(?<!^)-|^-(?!\d)|[\u2010-\u2015]")
_TOKENS = re.compile(r"[A-Z]?[^\W\d_A-Z]+|[A-Z]+(?![^\W\d_A-Z])|\d+")

# What data sets put around the word that names a part: x_train, Train_Data, test-images-224, seg_train, train2017.
_PART = re.compile(
    r"(?:\d{1,3})?(?:x|y|seg|my|new|raw|data|dataset|imgs?|images?|photos?)?"
    r"(trainval|train|training|trn|val|valid|validation|validate|dev|devel|development|eval|evaluation|test|testing|tst|holdout)"
    r"(?:sets?|data|datasets?|imgs?|images?|photos?|pics?|pictures?|splits?|folder|dir|samples?|part|final|small|full|new"
    r"|resized|raw|jpe?g|png|v(?!\d{3})\d{1,2}|(?<!\d)\d{1,4}(?!\d)(?:px|x\d{1,4}(?!\d))?)*"
)
_LONGEST_PART = 60
_PART_OF = {"tr": "train", "va": "val", "de": "val", "te": "test", "ts": "test", "ev": "test", "ho": "test"}
# Photos that their makers gave no class: what contests ask to be predicted.
_UNLABELLED = {"pred", "predict", "prediction", "predictions", "inference", "submission", "unlabeled", "unlabelled"}

# Labels that name genuine photos in presentation-attack detection, as data sets spell them.
BONA_FIDE_NAMES = ("genuine", "bona_fide", "real", "live")
# Labels and kinds that name attacks, likewise.
ATTACK_NAMES = (
    *("attack", "attacks", "fake", "imposter", "photo_of_photo", "recapture", "recaptured", "recaptures", "replay"),
    "spoof",
)
_WRAPPER = re.compile(
    r"archive|data|datasets?|images?|imgs?|photos?|pictures?|pics|files|root|raw|exports?|downloads?|dcim|jpe?g|png"
    r"|content|input|extracted|folder|main|master|media|samples|uploads?|zip"
)
# What photos are gathered in, one after the other: no class is called so.
_BATCH = re.compile(r"(batch|session|part|day|week|month|round|shoot|shooting|camera|cam|fold|subset|chunk|volume)s?")
# Pictures that mark what is in photos, beside those.
_MASKS = re.compile(r"(seg(mentation)?|gt|groundtruth)?(masks?|labels?|annotations?)|gt|groundtruths?|segmentations?")
# Folders that stand beside photos and hold none: nobody calls a class so.
_PAPERWORK = re.compile(r"annotations?|docs?|labels|meta|metadata|papers|scripts?|src|code|notebooks")

# What systems, servers and tools leave among photos, by casefolded names; hidden files and folders are passed over too.
_LITTER = re.compile(
    r"__macosx|@eadir|\$recycle\.bin|recycle[ _-]?bin|recycler|#recycle|@recycle|@recently-snapshot|#snapshot|@tmp"
    r"|lost\+found|lost\.dir|found\.000|system volume information|network trash folder|temporary items|__pycache__"
    r"|(eh)?thumbs\.db|thumbnails|desktop\.ini|icon\r"
)


def is_litter(name: str) -> bool:
    """Whether a file or folder is hidden, or what a system leaves beside photos, by its name."""
    return name.startswith(".") or _LITTER.fullmatch(name.casefold()) is not None


def key_of(name: str) -> str:
    """The name without what makes no difference to a reader: case, separators, spaces, forms of Unicode."""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
    return _SEPARATORS.sub("", folded) or folded


def part_of(name: str) -> str:
    """The part of a split that a folder is named as: "train", "val" or "test"; empty where it is none."""
    key = key_of(name)
    # No part of a split is called so at length, and matching takes longer the longer a name is.
    found = _PART.fullmatch(key) if len(key) <= _LONGEST_PART else None
    return _PART_OF[found.group(1)[:2]] if found else ""


def parts_of(folders: Iterable[str]) -> dict[str, str]:
    """The folders of a level that are named as parts of a split, with the part.

    Names that have more in them count where two of them differ in the word for the part alone, as in ``asl_train`` and
    ``asl_test``.
    """
    known = list(folders)
    found = {name: part for name in known if (part := part_of(name))}
    alike = defaultdict[str, dict[str, str]](dict)
    for name in known:
        words = [word for word in _SEPARATORS.split(name.casefold()) if word]
        ends = (0, len(words) - 1) if len(words) > 1 and name not in found else ()
        for at in ends:
            if part := part_of(words[at]):
                alike[" ".join([*words[:at], "?", *words[at + 1 :]])][name] = part
    for some in alike.values():
        if len(set(some.values())) > 1:
            found |= some
    return {name: found[name] for name in known if name in found}


def tokens_of(name: str) -> frozenset[str]:
    """The words and numbers in a name, folded: of PetImages-2 pet, images and 2."""
    return frozenset(one.casefold() for one in _TOKENS.findall(name))


def is_unlabelled_name(name: str) -> bool:
    """Whether a folder is named as one of photos without classes."""
    return not _UNLABELLED.isdisjoint(tokens_of(name))


def is_wrapper_name(name: str) -> bool:
    """Whether a folder is named as one that only holds a data set."""
    return any(map(_WRAPPER.fullmatch, tokens_of(name)))


def is_batch_name(name: str) -> bool:
    """Whether a folder is named as one of several that photos are gathered in, such as session 2."""
    return any(map(_BATCH.fullmatch, tokens_of(name)))


def is_mask_name(name: str) -> bool:
    """Whether a folder is named as one of masks or annotations of photos."""
    return _MASKS.fullmatch(key_of(name)) is not None


def without_numbers(name: str) -> str:
    """The key of a name without its digits: of s01 and S2 the same."""
    return re.sub(r"\d+", "", key_of(name))


def is_paperwork(name: str) -> bool:
    """Whether a folder is named as one of annotations or documents."""
    return _PAPERWORK.fullmatch(key_of(name)) is not None


def is_bona_fide(name: str) -> bool:
    """Whether a class is named as genuine photos are."""
    return key_of(name) in _BONA_FIDE_KEYS


def is_class_name(name: str) -> bool:
    """Whether a folder is named as a class of presentation-attack detection is."""
    return key_of(name) in _CLASS_KEYS


def same_names(names: Iterable[str]) -> list[tuple[str, ...]]:
    """Names that differ in case, spaces, hyphens, underscores or forms of Unicode alone, in sets.

    Points count, as in 1.5 and 15, a minus in front of a digit does, and so does the case of single letters, which are
    classes of handwriting.
    """
    found = defaultdict[str, list[str]](list)
    for name in sorted(set(names)):
        whole = unicodedata.normalize("NFKC", name).strip()
        folded = unicodedata.normalize("NFKC", whole.casefold()) if len(whole) > 1 else whole
        found[_SPACES.sub(" ", folded).strip()].append(name)
    return [tuple(some) for some in found.values() if len(some) > 1]


def keys_of(names: Iterable[str]) -> frozenset[str]:
    """The keys of several names."""
    return frozenset(map(key_of, names))


_BONA_FIDE_KEYS = keys_of(BONA_FIDE_NAMES)
ATTACK_KEYS = keys_of(ATTACK_NAMES)
_CLASS_KEYS = _BONA_FIDE_KEYS | ATTACK_KEYS


def shorten(items: Iterable[str], *, limit: int = 10, separator: str = ", ") -> str:
    """Join the first items and count the rest."""
    known = list(items)
    rest = [f"and {len(known) - limit} more"] if len(known) > limit else []
    return separator.join(known[:limit] + rest)
