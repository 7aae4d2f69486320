"""What a data folder is, told by where its photos lie: class folders, split folders, a wrapper around either, or none.

The only place that takes classes from folders. Pure: paths come in, so that names in archives, rows of manifests and
files on disk are understood alike.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from edgekit.data import names
from edgekit.errors import DataError
from edgekit.metrics.wording import count

Kind = Literal["classes", "splits", "unlabelled", "empty"]
Lone = Literal["wrapper", "class", "ask"]

TWIN = "what lies beside it, once more"
"""Why a folder is left out whose photos have the names of those beside it."""

SKIPPED = "-"
"""Stands in ``Facts.folders`` for a level that means nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """What is passed over.

    Attributes:
        what: A folder, ending in ``/``, or a kind of file ("hidden file").
        count: Photos in the folder, or files of the kind.
        why: Why they are no photos of the data.
    """

    what: str
    count: int
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderPlace:
    """What a photo's folders say of it.

    Attributes:
        label: Its class.
        split: "train", "val", "test", or empty.
        below: The folders between the class and the photo, with ``/``.
        more: Further columns, where the levels of folders were named.
    """

    label: str
    split: str = ""
    below: str = ""
    more: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is known beside the paths.

    Attributes:
        where: Name of the folder, for messages.
        name: Its own name, without those above.
        folders: What each level of folders is, where the owner says so: "label", "split", another column, or SKIPPED.
        known: Classes that are known, such as a model's.
        lone: What a lone top folder with folders in it is: a wrapper, a class, or asked for unless its name tells.
        empty: Folders without any photo in them or below.
    """

    where: str
    name: str = ""
    folders: tuple[str, ...] = ()
    known: tuple[str, ...] = ()
    lone: Lone = "wrapper"
    empty: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class FolderLayout:
    """What a folder is.

    Attributes:
        kind: Class folders; split folders with class folders; photos without classes; no photos.
        base: Path of the folder inside wrappers that holds all of it; empty without a wrapper.
        places: What is known of each photo that has a class.
        unlabelled: Photos that have none.
        left_out: What is passed over, and why.
        notes: What else its owner should know.
        why: Why no photo has a class; empty where some have.
    """

    kind: Kind
    base: str = ""
    places: dict[str, FolderPlace] = field(default_factory=dict)
    unlabelled: tuple[str, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    notes: tuple[str, ...] = ()
    why: str = ""


@dataclass(eq=False)
class _Folder:
    """One folder: the photos in it, and the folders that have some in or below them."""

    name: str
    path: str
    photos: list[str] = field(default_factory=list)
    folders: dict[str, _Folder] = field(default_factory=dict)

    @classmethod
    def of(cls, paths: Sequence[str], name: str) -> _Folder:
        root = cls(name=name, path="")
        for path in paths:
            at = root
            for part in path.split("/")[:-1]:
                inner = at.folders.get(part)
                if inner is None:
                    inner = at.folders[part] = cls(name=part, path=f"{at.path}/{part}" if at.path else part)
                at = inner
            at.photos.append(path)
        return root

    def __iter__(self) -> Iterator[str]:
        """All photos in it and below."""
        waiting = [self]
        while waiting:
            at = waiting.pop()
            yield from at.photos
            waiting += at.folders.values()

    @property
    def is_flat(self) -> bool:
        return not self.folders


def understand(paths: Sequence[str], facts: Facts) -> FolderLayout:
    """Say what a folder is, by the paths of its photos.

    Args:
        paths: Relative to the folder, with ``/`` between folders.
        facts: What is known beside them.

    Raises:
        DataError: two readings are possible; says which, and the one thing to do.
    """
    if not paths:
        return FolderLayout(kind="empty", why="got no photo at all; put them there")
    if facts.folders:
        return _as_named(paths, facts)
    return _Reading(facts).read(_Folder.of(paths, facts.name))


def _as_named(paths: Sequence[str], facts: Facts) -> FolderLayout:
    """Each level of folders is what the owner says."""
    levels = facts.folders
    places = {}
    short, strange = [], []
    for path in paths:
        parts = path.split("/")[:-1]
        if len(parts) < len(levels):
            short.append(path)
            continue
        known = {column: part for column, part in zip(levels, parts, strict=False) if column != SKIPPED}
        split = names.part_of(known.get("split", ""))
        if "split" in known and not split:
            strange.append(path)
        label = known["label"]
        more = tuple((column, part) for column, part in known.items() if column not in ("label", "split"))
        places[path] = FolderPlace(label=label, split=split, below="/".join(parts[len(levels) :]), more=more)
    pattern = "/".join(levels)
    if short:
        raise DataError(
            f"{facts.where}: every photo must lie in the folders {pattern}, got {_count(short)} in fewer:"
            f" {shown(short)}; move them, or name the levels that all have with --folders"
        )
    if strange:
        raise DataError(
            f"{facts.where}: a folder of the level split must be named as train, val or test, got {_count(strange)} in"
            f" others: {shown(strange)}; rename the folders, or name another level split in --folders {pattern}"
        )
    return FolderLayout(kind="splits" if "split" in levels else "classes", places=places)


class _Reading:
    """One way through a tree of folders, from the top down; what is passed over is noted on the way."""

    def __init__(self, facts: Facts) -> None:
        self._facts = facts
        self._known = names.keys_of(facts.known)
        self._left: list[LeftOut] = []
        self._notes: list[str] = []

    def read(self, root: _Folder) -> FolderLayout:
        self._drop_twins(root)
        if self._is_itself_known(root):
            label = next(one for one in self._facts.known if names.key_of(one) == names.key_of(root.name))
            self._notes.append(f"the folder's own name is the class {label!r}")
            return self._layout("classes", root, {path: _place(path, root, label) for path in root})
        base = self._unwrapped(root)
        if base.photos:
            return self._loose(base)
        parts = names.parts_of(base.folders)
        if parts and not self._are_classes(base, parts):
            return self._split_folders(base, parts)
        (first, *more) = base.folders.values()
        if not more and self._only_keeps_photos(first):
            why = f"got {_count(first.photos)} in {first.path}/ without class folders; sort the photos into some"
            return self._layout("unlabelled", base, {}, why)
        self._refuse_empty(base)
        if more and self._is_split_inside(base):
            return self._layout("splits", base, self._classes_with_parts(base))
        tops = list(base.folders.values())
        known = self._known_below(tops)
        if not parts and not known:
            self._settle_levels(tops, _skips(base), is_split=False)
            self._refuse_parts_below(base, tops)
        self._refuse_masks(tops)
        return self._layout("classes", base, _placed(known or tops))

    def _layout(self, kind: Kind, base: _Folder, places: dict[str, FolderPlace], why: str = "") -> FolderLayout:
        notes = [f"taken from {base.path}/, the only folder with photos"] if base.path else []
        return FolderLayout(
            kind=kind,
            base=base.path,
            places=places,
            unlabelled=() if places else tuple(sorted(base)),
            left_out=tuple(self._left),
            notes=tuple(notes + self._notes),
            why=why,
        )

    def _is_class(self, name: str) -> bool:
        return names.key_of(name) in self._known or names.is_class_name(name)

    def _leave_out(self, folder: _Folder, why: str) -> None:
        self._left.append(LeftOut(what=f"{folder.path}/", count=sum(1 for _ in folder), why=why))

    def _empty_in(self, base: _Folder, *, paperwork: bool = False) -> list[str]:
        """Folders without photos that lie directly in one; those of annotations and documents only if asked for."""
        found = []
        for path in self._facts.empty:
            above, _, name = path.rpartition("/")
            if above == base.path and (paperwork or not names.is_paperwork(name)):
                found.append(path)
        return found

    def _refuse_empty(self, base: _Folder) -> None:
        empty = self._empty_in(base)
        if empty:
            raise DataError(f"{self._facts.where}: {RULE}, got folders without photos: {shown(empty)}; {_FILL}")

    def _drop_twins(self, root: _Folder) -> None:
        """Leave out folders that repeat, below the name of the folder that they lie in, what lies beside them."""
        waiting = [root]
        while waiting:
            at = waiting.pop()
            for name, inner in list(at.folders.items()):
                others = at.folders.keys() - {name}
                is_twin = _are_twins(at.name, name)
                holds_them = len(inner.folders) > (0 if is_twin else 1) and inner.folders.keys() <= others
                if not others or not (is_twin or holds_them):
                    continue
                again = {path[len(inner.path) + 1 :] for path in inner}
                start = len(at.path) + 1 if at.path else 0
                beside = {path[start:] for other in at.folders.values() if other is not inner for path in other}
                if is_twin and again <= beside:
                    self._leave_out(inner, TWIN)
                    del at.folders[name]
                elif again & beside or holds_them:
                    raise DataError(
                        f"{self._facts.where}: {inner.path}/ holds what lies beside it once more, with"
                        f" {len(again & beside)} names of photos that are there too and {len(again - beside)} that are"
                        " not: photos must not come twice; merge the two, or move one away"
                    )
            waiting += at.folders.values()

    def _unwrapped(self, base: _Folder) -> _Folder:
        """Step into folders that only hold another one."""
        while not base.photos and len(base.folders) == 1:
            ((name, inner),) = base.folders.items()
            if self._is_class(name) or names.part_of(name) or inner.is_flat:
                break
            # Photos beside folders may be groups of a class, where one class is welcome.
            if inner.photos and (self._facts.lone != "wrapper" or self._known):
                break
            if self._facts.lone == "class" or (self._facts.lone == "ask" and not self._only_holds(base, inner)):
                break
            empty = self._empty_in(base)
            if empty and names.is_wrapper_name(name) and len(inner.folders) > 1:
                self._left += [LeftOut(what=f"{path}/", count=0, why="no photos in it") for path in empty]
            elif empty:
                raise DataError(
                    f"{self._facts.where}: {inner.path}/ is the only folder with photos, and {shown(empty)} might be a"
                    f" class that lacks them; {_FILL}"
                )
            base = inner
        return base

    def _only_keeps_photos(self, lone: _Folder) -> bool:
        """Whether a lone folder of photos is no class, by its name."""
        may_be_none = self._facts.lone != "class" and not self._is_class(lone.name)
        return may_be_none and lone.is_flat and names.is_wrapper_name(lone.name)

    def _only_holds(self, base: _Folder, inner: _Folder) -> bool:
        """Whether a lone folder is a wrapper for sure; refuses one that may be a class as well."""
        within = inner.folders
        if (
            names.is_wrapper_name(inner.name)
            or names.key_of(inner.name) == names.key_of(base.name)
            or any(names.part_of(name) or names.is_bona_fide(name) for name in within)
            or names.keys_of(within) & self._known
        ):
            return True
        raise DataError(
            f"{self._facts.where}: {inner.path}/ may be a class, with groups in it, or a wrapper around the classes"
            f" {shown(within)}; say --folders {_skips(base)}label in the first case,"
            f" --folders {_skips(inner)}label in the second"
        )

    def _is_itself_known(self, root: _Folder) -> bool:
        """Whether the folder is named as a known class, and none in it is."""
        return names.key_of(root.name) in self._known and names.keys_of(root.folders).isdisjoint(self._known)

    def _loose(self, base: _Folder) -> FolderLayout:
        """Photos lie directly in the folder."""
        if base.is_flat:
            why = f"got {_count(list(base))} outside any class: {shown(base.photos, 3)}; move them"
            return self._layout("unlabelled", base, {}, why)
        raise DataError(
            f"{self._facts.where}: {RULE}, got {_count(base.photos)} outside any class: {shown(base.photos, 3)};"
            " move them"
        )

    def _are_classes(self, base: _Folder, parts: dict[str, str]) -> bool:
        """Whether folders that are named as parts are classes, as trains are beside buses and cars."""
        others = base.folders.keys() - parts.keys()
        if names.keys_of(parts) <= self._known:
            return True
        flat = all(one.is_flat for one in base.folders.values())
        (first, *more) = parts
        # Nobody keeps training or validation photos without classes; test photos are often given so.
        if flat and not more and others and parts[first] != "test":
            return True
        return not more and names.key_of(first) == "valid" and not _NOT_VALID.isdisjoint(names.keys_of(others))

    def _split_folders(self, base: _Folder, part_of: dict[str, str]) -> FolderLayout:
        parts = {name: base.folders[name] for name in part_of}
        others = {name: inner for name, inner in base.folders.items() if name not in parts}
        inner = {name: self._inside_part(one) for name, one in parts.items()}
        deep = {name: one for name, one in inner.items() if one.folders}
        for name, one in deep.items():
            if one.photos:
                raise DataError(
                    f"{self._facts.where}: the photos of {parts[name].path}/ must lie in class folders, got"
                    f" {_count(one.photos)} beside them: {shown(one.photos, 3)}; move them"
                )
        for name, one in list(others.items()):
            if deep and names.is_unlabelled_name(name) and self._inside_part(one).is_flat:
                self._leave_out(others.pop(name), "no class folders in it")
        if others:
            self._refuse_mixture(base, parts, others, deep)
        if not deep:
            folders = shown(f"{one.path}/" for one in parts.values())
            why = f"got {folders} without class folders; sort the photos into some"
            return self._layout("unlabelled", base, {}, why)
        for path in self._empty_in(base, paperwork=True):
            self._left.append(LeftOut(what=f"{path}/", count=0, why="no photos in it"))
        classes = _without_nameless(self._classes_of_parts(base, deep), part_of)
        split_of = self._splits({name: part_of[name] for name in classes})
        for name in parts.keys() - classes.keys():
            self._leave_out(parts[name], "no class folders in it")
        labels_of = defaultdict[str, set[str]](set)
        for name, some in classes.items():
            labels_of[split_of[name]] |= {one.name for one in some}
        self._note_differing(labels_of)
        # A training part alone says nothing of who tests: it is data that is to be split.
        only_train = set(split_of.values()) == {"train"}
        places = dict[str, FolderPlace]()
        for name, some in classes.items():
            places |= _placed(some, "" if only_train else split_of[name])
        return self._layout("classes" if only_train else "splits", base, places)

    def _classes_of_parts(self, base: _Folder, deep: dict[str, _Folder]) -> dict[str, list[_Folder]]:
        """The class folders of each split folder.

        Raises:
            DataError: another level may be the classes, or one of them is named as a part or holds masks.
        """
        tops_of = {name: list(one.folders.values()) for name, one in deep.items()}
        known_of = {name: self._known_below(tops) for name, tops in tops_of.items()}
        if any(known_of.values()):
            return {name: known_of[name] or tops for name, tops in tops_of.items()}
        first = next(iter(deep.values()))
        wrappers = first.path.count("/") - (base.path.count("/") + 1 if base.path else 0)
        above = f"{_skips(base)}split/" + f"{SKIPPED}/" * wrappers
        shared = set.intersection(*({top.name for top in tops} for tops in tops_of.values())) if len(deep) > 1 else ()
        strange = [
            f"{top.path}/"
            for tops in tops_of.values()
            for top in tops
            if names.part_of(top.name) and top.name not in shared and not self._is_class(top.name)
        ]
        if strange:
            raise DataError(
                f"{self._facts.where}: split folders must not lie in one another, got {shown(strange)} beside class"
                f" folders; move them up, or say --folders {above}label if they are classes"
            )
        for tops in tops_of.values():
            self._refuse_masks(tops)
        grouped = {name: tops for name, tops in tops_of.items() if all(top.folders for top in tops)}
        settled = [top for tops in grouped.values() for top in tops]
        inner_of = [{one.name for top in tops for one in top.folders.values()} for tops in grouped.values()]
        # The same upper folders in each part, with others in them, are classes and their groups.
        has_groups = len(grouped) > 1 and all(
            {top.name for top in tops} == {top.name for top in next(iter(grouped.values()))}
            for tops in grouped.values()
        )
        has_groups = has_groups and any(some != inner_of[0] for some in inner_of)
        self._settle_levels(settled, above, is_split=True, has_groups=has_groups)
        return tops_of

    def _inside_part(self, part: _Folder) -> _Folder:
        """Step into what a part's folder only holds: its twin, as x_train/x_train, or a wrapper."""
        at = part
        while not at.photos and len(at.folders) == 1:
            ((name, inner),) = at.folders.items()
            is_twin = _are_twins(at.name, name) or (
                names.part_of(name) and names.part_of(name) == names.part_of(at.name)
            )
            if self._is_class(name) or not (is_twin or names.is_wrapper_name(name)):
                break
            at = inner
        return at

    def _refuse_mixture(
        self, base: _Folder, parts: dict[str, _Folder], others: dict[str, _Folder], deep: Collection[str]
    ) -> None:
        first = next(iter(parts))
        labels = {label for one in parts.values() for label in one.folders}
        trains = [] if "train" in map(names.part_of, parts) else list(others.values())
        unnamed = [f"{one.path}/" for one in trains if names.keys_of(one.folders) & names.keys_of(labels)]
        rename = f"rename {unnamed[0]} train if its photos are to train, or " if len(unnamed) == 1 else ""
        what = "with class folders" if deep else "without class folders"
        raise DataError(
            f"{self._facts.where}: split folders and class folders must not stand side by side, got"
            f" {shown(f'{one.path}/' for one in parts.values())} {what} in it beside"
            f" {shown(f'{one.path}/' for one in others.values())}; {rename}move"
            f" {shown([f'{one.path}/' for one in (others if deep else parts).values()], 3)} away, or say --folders"
            f" {_skips(base)}label if {first!r} is a class"
        )

    def _splits(self, split_of: dict[str, str]) -> dict[str, str]:
        """The part of each split folder, where there may be two for testing, or none."""
        if any("test" in names.key_of(name) for name in split_of):
            # "eval" is a test, unless there is one besides.
            return {
                name: "val" if part == "test" and "test" not in names.key_of(name) else part
                for name, part in split_of.items()
            }
        if set(split_of.values()) == {"train", "val"}:
            held_out = [name for name, part in split_of.items() if part == "val"]
            self._notes.append(
                f"no test folder with classes: {shown(held_out)} tests, and validation photos come from train"
            )
            return {name: "test" if part == "val" else part for name, part in split_of.items()}
        return split_of

    def _note_differing(self, labels_of: dict[str, set[str]]) -> None:
        """Say where parts have other classes than the training part, and refuse those that it could never learn."""
        train = labels_of.get("train")
        if train is None or self._known:
            return
        for part, labels in labels_of.items():
            strange, lacking = sorted(labels - train), sorted(train - labels)
            if strange and not names.keys_of(strange).isdisjoint(names.keys_of(train)):
                continue
            if strange:
                raise DataError(
                    f"{self._facts.where}: every class must be among the training photos, got {shown(strange)} in"
                    f" {part} alone, beside {shown(sorted(train))} in train; add training photos or move them away"
                )
            if lacking:
                self._notes.append(f"{part} has no photo of {shown(lacking)}")

    def _is_split_inside(self, base: _Folder) -> bool:
        """Whether each class folder has split folders in it, and those photos, as in cat/train, cat/test, dog/train."""
        inner = [one for top in base.folders.values() for one in top.folders.values()]
        return (
            all(top.folders and not top.photos for top in base.folders.values())
            and all(names.part_of(one.name) and one.is_flat for one in inner)
            and len({names.part_of(one.name) for one in inner}) > 1
        )

    def _classes_with_parts(self, base: _Folder) -> dict[str, FolderPlace]:
        named = {name for top in base.folders.values() for name in top.folders}
        split_of = self._splits({name: names.part_of(name) for name in sorted(named)})
        places = dict[str, FolderPlace]()
        for top in base.folders.values():
            for name, inner in top.folders.items():
                places |= {path: FolderPlace(label=top.name, split=split_of[name]) for path in inner}
        return places

    def _known_below(self, tops: Collection[_Folder]) -> list[_Folder]:
        """Folders of the first level below some that are all known classes; none where these themselves are."""
        depth, level = _first_level(tops, lambda name: names.key_of(name) in self._known)
        return level if depth and names.keys_of(one.name for one in level) <= self._known else []

    def _settle_levels(
        self, tops: Collection[_Folder], above: str, *, is_split: bool, has_groups: bool = False
    ) -> None:
        """Refuse folders whose upper and lower levels may both be the classes.

        Args:
            tops: The upper level, in all split folders.
            above: What --folders says of the levels above that one.
            is_split: Whether split folders lie above.
            has_groups: Whether the lower level is known to be groups, unless classes are named so.

        Raises:
            DataError: the same folders lie below several, or such that are named as classes of attack detection are.
        """
        inner_of = defaultdict[str, set[str]](set)
        for top in tops:
            inner_of[top.name] |= top.folders.keys()
        if any(map(self._is_class, inner_of)) or any(top.photos or not top.folders for top in tops):
            return
        if not is_split and len(inner_of) < 2:
            return
        every = set[str]().union(*inner_of.values())
        has_parts = not is_split and all(map(names.part_of, every))
        depth, level = _first_level(tops, self._is_class)
        holding = {one.path.rsplit("/", depth)[0] for one in level if self._is_class(one.name)}
        has_bona_fide = len(holding) > 1 and any(names.is_bona_fide(one.name) for one in level)
        has_classes = has_bona_fide or (is_split and bool(level))
        if has_classes or has_parts or (not has_groups and _may_be_groups(inner_of)):
            seen = {one.name for one in level} if has_classes else every
            lower = "group/split/label" if has_parts else f"group/{f'{SKIPPED}/' * (max(depth, 1) - 1)}label"
            # Only classes are named so: there is one thing to do.
            upper = "" if has_bona_fide else f" if the lower ones are, --folders {above}label if the upper ones are"
            raise DataError(
                f"{self._facts.where}: the folders {shown(sorted(seen))} lie below"
                f" {shown(f'{one.path}/' for one in tops)}, and either may be the classes; say --folders"
                f" {above}{lower}{upper}"
            )

    def _refuse_parts_below(self, base: _Folder, tops: Collection[_Folder]) -> None:
        """Refuse class folders with split folders in some of them alone."""
        holding = [
            f"{top.path}/"
            for top in tops
            if not top.photos and all(map(names.part_of, top.folders)) and len(set(map(names.part_of, top.folders))) > 1
        ]
        if holding:
            raise DataError(
                f"{self._facts.where}: split folders must lie in every class folder or above all, got them in"
                f" {shown(holding)} alone; move the others' photos into such folders, or move these away, or say"
                f" --folders {_skips(base)}label if they name no parts"
            )

    def _refuse_masks(self, tops: Collection[_Folder]) -> None:
        """Refuse pictures beside what segments or annotates them, taken for classes."""
        masks = [one for one in tops if names.is_mask_name(one.name)]
        rest = [one for one in tops if not names.is_mask_name(one.name)]
        if masks and rest and all(names.is_wrapper_name(one.name) for one in rest):
            raise DataError(
                f"{self._facts.where}: {RULE}, got {shown(f'{one.path}/' for one in rest)} beside"
                f" {shown(f'{one.path}/' for one in masks)}, which are photos and their masks or annotations, no"
                " classes; sort the photos into one folder per class"
            )


RULE = "the data must have one sub-folder of photos per class, or a manifest.csv"
_FILL = "fill or remove them"
_NOT_VALID = {"invalid", "notvalid", "nonvalid"}


def _without_nameless(classes: dict[str, list[_Folder]], part_of: dict[str, str]) -> dict[str, list[_Folder]]:
    """Split folders but for those whose photos lie in one folder that is no class, as test/unknown does for Keras."""
    trained = {one.name for name, some in classes.items() if part_of[name] == "train" for one in some}
    return {
        name: some
        for name, some in classes.items()
        if part_of[name] == "train"
        or not trained
        or len(some) > 1
        or not names.keys_of(one.name for one in some).isdisjoint(names.keys_of(trained))
    }


def _first_level(tops: Collection[_Folder], is_one: Callable[[str], bool]) -> tuple[int, list[_Folder]]:
    """How deep the first level lies that has a name of a kind, and its folders; none below photos."""
    depth, level = 0, list(tops)
    while level and not any(is_one(one.name) for one in level):
        if any(one.photos for one in level):
            return 0, []
        depth, level = depth + 1, [inner for one in level for inner in one.folders.values()]
    return (depth, level) if level else (0, [])


def _may_be_groups(inner_of: Mapping[str, Collection[str]]) -> bool:
    """Whether upper folders may be groups of the lower ones: by the lower names that they share, or by their own."""
    every = set[str]().union(*inner_of.values())
    if len(inner_of) < 2 or len(every) < 2:
        return False
    has_shared = sum(map(len, inner_of.values())) > len(every)
    is_numbered = len({names.without_numbers(name) for name in inner_of}) == 1
    return (
        any(set(some) == every for some in inner_of.values())
        or (has_shared and is_numbered)
        or all(names.is_wrapper_name(name) or names.is_batch_name(name) for name in inner_of)
    )


def _skips(base: _Folder) -> str:
    """What --folders says of the levels down to a folder."""
    return f"{SKIPPED}/" * len(base.path.split("/")) if base.path else ""


def _are_twins(upper: str, lower: str) -> bool:
    part = names.part_of(lower)
    return bool(upper) and (names.key_of(upper) == names.key_of(lower) or (part != "" and part == names.part_of(upper)))


def _placed(classes: Collection[_Folder], split: str = "") -> dict[str, FolderPlace]:
    return {path: _place(path, one, one.name, split) for one in classes for path in one}


def _place(path: str, folder: _Folder, label: str, split: str = "") -> FolderPlace:
    start = len(folder.path) + 1 if folder.path else 0
    return FolderPlace(label=label, split=split, below=path[start:].rpartition("/")[0])


def _count(photos: Sequence[str]) -> str:
    return count(len(photos), "photo")


def shown(items: Iterable[str], limit: int = 6) -> str:
    """The first names, for messages; the rest is counted."""
    return names.shorten(items, limit=limit)


def counted(labels: Iterable[str]) -> dict[str, int]:
    """How many photos each class has, by name."""
    return dict(sorted(Counter(labels).items()))


def in_words(classes: Mapping[str, int]) -> str:
    """Photos and classes in a line: ``16 photos of 2 classes (cat 8, dog 8)``."""
    number = f"{len(classes)} class{'es' if len(classes) != 1 else ''}"
    return (
        f"{count(sum(classes.values()), 'photo')} of {number} ({shown((f'{a} {n}' for a, n in classes.items()), 12)})"
    )
