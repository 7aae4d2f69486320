"""Where an imported photo goes: class, group and row, from options, the source's manifest, folders and EXIF."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from edgekit.data.manifest import Sample, folder_labels
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


def place_photos(found: Sequence[Found], config: ImportConfig) -> dict[Found, Place]:
    """The place of each photo and video.

    Options go before a source's manifest, and that before folders.

    Raises:
        DataError: photos lie in no class folder, or a folder can't be a class.
    """
    placed = dict[Found, Place]()
    for source in dict.fromkeys(one.source for one in found):
        mine = [one for one in found if one.source == source]
        inner = [_without_folders(one.name, config.skip_folders) for one in mine]
        for one, name, (label, split) in zip(mine, inner, folder_labels(inner), strict=True):
            folders = PurePosixPath(name).parts[:-1]
            if one.sample is not None:
                sample = one.sample
                notes = tuple((column, value) for column in SETTABLE if (value := getattr(sample, column)))
                label, split, group = config.label or sample.label, sample.split, sample.group  # noqa: PLW2901
                folders = folders[1:] if folders[:1] == (sample.label,) else folders
            else:
                group, notes = "", ()
                folders = folders if config.label else folders[2 if split else 1 :]
                label, split = (config.label, "") if config.label else (label, split)  # noqa: PLW2901
            if not label:
                raise DataError(
                    f"{one.path}: without --label every photo must lie in a folder that is its class, got {name!r}"
                    " directly in the source; name the class"
                )
            check_name("class", label)
            placed[one] = Place(label=label, split=split, folders="/".join(folders), group=group, notes=notes)
    return placed


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
