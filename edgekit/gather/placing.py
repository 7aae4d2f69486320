"""Where an imported photo goes: class, group and row, from options, the source's manifest, folders and EXIF."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from posixpath import splitext

from edgekit.data.archives import open_archive
from edgekit.data.folder import read_folder
from edgekit.data.layout import Facts, FolderLayout, FolderPlace, LeftOut, understand
from edgekit.data.manifest import Sample
from edgekit.data.table import TABLE_SUFFIXES
from edgekit.errors import DataError
from edgekit.gather.options import SETTABLE, GroupRule, ImportConfig, check_name, safe_name
from edgekit.gather.sources import Found


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """What is known of a photo before it is read.

    Attributes:
        label: Class of the photo.
        split: Split that the source gives the photo; often empty.
        folders: Path of the folders between the class and the photo.
        group: Group in the source's manifest; often empty.
        notes: Other columns of the source's manifest.
    """

    label: str
    split: str
    folders: str
    group: str = ""
    notes: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportPlaces:
    """What is known of all that is to be imported.

    Attributes:
        of: The place of each photo and video.
        left_out: What the sources' folders give no class to, and why.
        notes: What else was understood of the folders.
    """

    of: dict[Found, Place]
    left_out: tuple[LeftOut, ...]
    notes: tuple[str, ...]


def place_photos(found: Sequence[Found], config: ImportConfig, *, known: Collection[str] = ()) -> ImportPlaces:
    """The place of each photo and video.

    Options go before a source's manifest, and that before folders.

    Args:
        found: What is to be imported.
        config: Classes and groups.
        known: Classes that the data folder has.

    Raises:
        DataError: photos lie in no class folder, folders can be understood in two ways, or one can't be a class.
    """
    placed = dict[Found, Place]()
    left_out, notes = list[LeftOut](), list[str]()
    for source in dict.fromkeys(one.source for one in found):
        mine = [one for one in found if one.source == source]
        name_of = {one: _without_folders(one.name, config.skip_folders) for one in mine}
        told = [] if config.label else [name for one, name in name_of.items() if one.sample is None]
        layout = _understand(source, told, config, known)
        left_out += layout.left_out
        notes += layout.notes
        for one, name in name_of.items():
            if one.sample is not None:
                place = _as_listed(one.sample, name, config)
            elif config.label:
                place = Place(label=config.label, split="", folders=name.rpartition("/")[0])
            elif name in layout.places:
                place = _as_lies(layout.places[name])
            elif layout.places:
                continue
            else:
                raise DataError(
                    f"{one.path}: without --label every photo must lie in a folder that is its class, got {name!r}"
                    + (_remedy(one) or "; name the class")
                )
            check_name("class", place.label)
            placed[one] = place
    return ImportPlaces(of=placed, left_out=tuple(left_out), notes=tuple(notes))


def _understand(source: str, names: Sequence[str], config: ImportConfig, known: Collection[str]) -> FolderLayout:
    facts = Facts(
        where=source,
        name=source,
        folders=config.reading.folders,
        known=tuple(known),
        # Who has skipped wrappers has said where the classes begin.
        lone="class" if config.skip_folders else "ask",
    )
    return understand(names, facts)


def _remedy(one: Found) -> str:
    """What would tell the classes of a folder of photos, or of an archive, where a CSV in it has them."""
    if one.member is not None:
        with open_archive(one.path) as archive:
            tables = [name for name in archive.namelist() if splitext(name)[1].lower() in TABLE_SUFFIXES]
        return f"; where {tables[0]} in it has the classes, unpack it and import the folder" if tables else ""
    root = Path(str(one.path).removesuffix(one.name))
    return read_folder(root).understood.remedy if "/" in one.name else ""


def _as_listed(sample: Sample, name: str, config: ImportConfig) -> Place:
    folders = PurePosixPath(name).parts[:-1]
    folders = folders[1:] if folders[:1] == (sample.label,) else folders
    # A CSV says what belongs together; what its photos were put into says nothing.
    folders = () if config.reading.columns else folders
    return Place(
        label=config.label or sample.label,
        split=sample.split,
        folders="/".join(folders),
        group=sample.group,
        notes=tuple((column, value) for column in SETTABLE if (value := getattr(sample, column))),
    )


def _as_lies(told: FolderPlace) -> Place:
    more = dict(told.more)
    group = more.pop("group", "")
    return Place(label=told.label, split=told.split, folders=told.below, group=group, notes=tuple(more.items()))


def _without_folders(name: str, count: int) -> str:
    parts = PurePosixPath(name).parts
    return "/".join(parts[min(count, len(parts) - 1) :])


def is_flat(placed: Mapping[Found, Place], there: Sequence[Sample]) -> bool:
    """Whether class folders without folders inside are all there is: then photos stay without groups.

    The source's name would be one group for all of them, which no split can part. Frames of a video, several sources,
    and photos beside others that have groups need it.

    Args:
        placed: All that is to be imported.
        there: Photos that the data folder has.
    """
    return (
        len({one.source for one in placed}) == 1
        and not any(one.is_video or where.folders or where.group for one, where in placed.items())
        and len({where.label for where in placed.values()}) > 1
        and not any(sample.group for sample in there)
    )


class Grouping:
    """A rule for groups, ready for use.

    Args:
        rule: Options that say where groups come from.
        flat: Photos for which the rule by folder has nothing but the source's name stay without a group.

    Raises:
        DataError: its pattern is no regular expression.
    """

    def __init__(self, rule: GroupRule, *, flat: bool = False) -> None:
        self._rule = rule
        self._flat = flat and rule.by == "folder" and not rule.name and not rule.otherwise
        self._pattern = None
        if rule.pattern:
            from edgekit.gather.patterns import Pattern

            self._pattern = Pattern(rule.pattern)

    @property
    def needed(self) -> bool:
        """Whether a photo without a group is left out."""
        return not self._flat

    def group_of(self, found: Found, where: Place, camera: str) -> str:
        """The group of a photo, as a folder may be called; empty where the rule finds none.

        Raises:
            DataError: the pattern takes too long.
        """
        rule = self._rule
        if rule.name:
            return rule.name
        if self._pattern is not None:
            group = self._pattern.find(found.name)
        elif rule.by == "camera":
            group = camera
        else:
            group = where.group or "-".join(PurePosixPath(where.folders).parts) or ("" if self._flat else found.source)
        return safe_name(group) or rule.otherwise
