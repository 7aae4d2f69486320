"""What may be asked of simulated recaptures; with the only defaults. Importing it needs the standard library alone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal, TypeAlias, get_args

from edgekit.errors import DataError, likeliest

ScreenName: TypeAlias = Literal[
    "lcd-rgb",
    "oled-pentile",
    "crt",
    "ips-monitor",
    "print-inkjet",
    "print-offset",
    "print-plain",
    "print-laser",
    "print-photo",
]
SCREEN_NAMES: tuple[ScreenName, ...] = get_args(ScreenName)
PRINTS: tuple[ScreenName, ...] = ("print-inkjet", "print-offset", "print-plain", "print-laser", "print-photo")
# What has dots that may be seen.
DOTTED: tuple[ScreenName, ...] = ("print-inkjet", "print-offset")
ScreenLayout: TypeAlias = Literal["whole", "page", "letterbox", "app", "grid", "text", "article", "cover"]
LAYOUTS: tuple[ScreenLayout, ...] = get_args(ScreenLayout)
# On paper there are no bars and no buttons.
PRINTED: tuple[ScreenLayout, ...] = ("whole", "page", "text", "article", "cover")
MinMax: TypeAlias = tuple[float, float]
MAX_PER_PHOTO = 100
MIN_SIDE_PX = 64
MAX_SIDE_PX = 4096
MAX_PHOTOS = 100_000
CAMERAS_PER_GROUP = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class RephotoConfig:
    """What is drawn for every recapture, each evenly from its range, and the shares of what may be there.

    Attributes:
        distance: Camera pixels per screen pixel, as a factor on what is usual for the screen: 2 is twice as near.
        angle_deg: Largest turn of the screen about each of its axes.
        focus_px: Blur besides the lens's own, in camera pixels.
        exposure_ev: Error of the automatic exposure, in stops.
        shake_px: Way of the hand during the exposure, in pixels of the file; long ones are rare.
        glare: Light of the room in the screen, as a share of the screen's mean.
        jpeg: Quality of the file.
        coverage: Share of the screen that the picture spans; above 1, and around a phone before that, the room is seen.
        layouts: What the screen shows around the photo, by chance and as often as people do it; prints know ``whole``
            and ``page`` alone.
        fill: Share of the screen's width that the photo takes in a page or an app; of one side between black bars.
        phones: Share of the phones that have a phone's shape, upright or lying, with round corners and a rim.
        hand: Share of the phones that end inside the picture that are held in a hand; half as many prints have one to
            three fingers on them.
        dots: Share of the inkjet and offset prints whose dots are seen; at reading distance they are too fine.
        lamp: Share of the screens, and of the glossy prints, with a lamp's mirror image in them.
        room: Share of the recaptures behind whose screen another photo of the same group is seen; the others have an
            even wall.
        oversample: Camera pixels per pixel of the file, along one axis. Phones and messengers reduce photos, which
            turns a screen's grid into moiré; 1 keeps the camera's own.
        long_side_px: Longest side of the files, which are never larger than their photos; 0 keeps the photo's own. A
            photo that is reduced has detail for the simulated lens to lose, as real scenes have.
    """

    distance: MinMax = (0.35, 1.0)
    angle_deg: float = 12.0
    focus_px: MinMax = (0.0, 0.8)
    exposure_ev: MinMax = (-0.5, 0.5)
    shake_px: MinMax = (0.0, 0.8)
    glare: MinMax = (0.0, 0.15)
    jpeg: MinMax = (85, 95)
    coverage: MinMax = (0.5, 1.8)
    layouts: tuple[ScreenLayout, ...] = LAYOUTS
    fill: MinMax = (0.5, 1.0)
    phones: float = 0.7
    hand: float = 0.5
    dots: float = 0.25
    lamp: float = 0.25
    room: float = 0.5
    oversample: MinMax = (2.0, 2.6)
    long_side_px: int = 0

    def __post_init__(self) -> None:
        """Check ranges."""
        for name, low, high in (
            ("distance", 0.2, 5),
            ("focus_px", 0, 4),
            ("exposure_ev", -4, 4),
            ("shake_px", 0, 8),
            ("glare", 0, 2),
            ("jpeg", 1, 100),
            ("coverage", 0.1, 3),
            ("fill", 0.2, 1),
            ("oversample", 1, 4),
        ):
            smallest, largest = getattr(self, name)
            if not low <= smallest <= largest <= high:
                raise DataError(f"{name} must be a rising range within {low} to {high}, got {smallest}:{largest}")
        if not 0 <= self.angle_deg <= 45:
            raise DataError(f"angle_deg must be 0 to 45, got {self.angle_deg}")
        for name in ("phones", "hand", "dots", "lamp", "room"):
            if not 0 <= getattr(self, name) <= 1:
                raise DataError(f"{name} must be a share, 0 to 1, got {getattr(self, name)}")
        if self.long_side_px and not MIN_SIDE_PX <= self.long_side_px <= MAX_SIDE_PX:
            raise DataError(
                f"long_side_px must be 0 or {MIN_SIDE_PX} to {MAX_SIDE_PX}, got {self.long_side_px}; choose another"
            )
        known = set(self.layouts) <= set(LAYOUTS)
        if not self.layouts or not known or len(set(self.layouts)) < len(self.layouts):
            raise DataError(
                f"layouts must be among {', '.join(LAYOUTS)}, each once, got {', '.join(self.layouts) or 'none'}"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class RecaptureConfig:
    """What is made.

    Attributes:
        screens: Names of screens and prints; they take turns, so that each gets its share of photos.
        per_photo: Recaptures of each genuine photo.
        genuine: What stands beside them: ``both`` the photos as they are and photographed again by the same chain,
            ``rephotographed`` or ``copied`` alone. Copied photos alone differ from recaptures by the whole chain.
        label: Of genuine photos; empty to tell by its name.
        rephoto: Ranges of distance, angle, focus, …
        seed: Every photo follows from it, from its path and from its number.
    """

    screens: tuple[str, ...] = SCREEN_NAMES
    per_photo: int = 1
    genuine: Literal["both", "rephotographed", "copied"] = "both"
    label: str = ""
    rephoto: RephotoConfig = field(default_factory=RephotoConfig)
    seed: int = 0

    def __post_init__(self) -> None:
        """Check names and ranges."""
        unknown = [name for name in self.screens if name not in SCREEN_NAMES]
        if unknown or not self.screens or len(set(self.screens)) < len(self.screens):
            raise DataError(
                f"screens must be among {', '.join(SCREEN_NAMES)}, each once, got {self.screens}; correct them"
            )
        prints = [name for name in self.screens if name in PRINTS]
        if prints and not set(self.rephoto.layouts) & set(PRINTED):
            raise DataError(
                f"prints must have one of the layouts {', '.join(PRINTED)}, got {', '.join(self.rephoto.layouts)} for "
                f"{', '.join(prints)}; add one, or leave the prints out"
            )
        if not 1 <= self.per_photo <= MAX_PER_PHOTO:
            raise DataError(f"per_photo must be 1 to {MAX_PER_PHOTO}, got {self.per_photo}; choose another number")
        if self.seed < 0:
            raise DataError(f"seed must not be negative, got {self.seed}; choose another")


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulateConfig:
    """What to make.

    Args:
        photos_per_class_per_group: Genuine photos, and as many recaptures, of each screen.
        size_wh: Width and height of all photos; even.
        seed: Every photo follows from it and from its place in the set.
        train_screens: Names in ``screens.SCREENS``; each is one group.
        val_screens: Names in ``screens.SCREENS``, none of them a screen of another split.
        test_screens: Names in ``screens.SCREENS``, none of them a screen of another split.
        train_cameras: Names in ``cameras.CAMERAS``, at least two: one takes the photo that the other finds on the
            screen.
        val_cameras: At least two names in ``cameras.CAMERAS``, none of them a camera of another split.
        test_cameras: At least two names in ``cameras.CAMERAS``, none of them a camera of another split.
    """

    photos_per_class_per_group: int = 30
    size_wh: tuple[int, int] = (640, 480)
    seed: int = 0
    train_screens: tuple[str, ...] = (
        "laptop-tn",
        "monitor-ips",
        "tv-va",
        "phone-oled",
        "print-inkjet",
        "print-newspaper",
    )
    val_screens: tuple[str, ...] = ("tablet-ips", "print-poster")
    test_screens: tuple[str, ...] = ("laptop-ips", "print-magazine")
    train_cameras: tuple[str, ...] = ("phone-a", "phone-b", "phone-c", "phone-d", "compact")
    val_cameras: tuple[str, ...] = ("phone-e", "phone-f")
    test_cameras: tuple[str, ...] = ("phone-g", "rugged-tablet")

    def __post_init__(self) -> None:
        """Check that splits share no screen and no camera, and that all names are known."""
        from edgekit.simulate.cameras import CAMERAS
        from edgekit.simulate.screens import SCREENS

        if not 1 <= self.photos_per_class_per_group <= MAX_PHOTOS:
            raise DataError(
                f"photos_per_class_per_group must be 1 to {MAX_PHOTOS}, got {self.photos_per_class_per_group}; "
                "choose another number"
            )
        if self.seed < 0:
            raise DataError(f"seed must not be negative, got {self.seed}; choose another")
        if any(side % 2 or not MIN_SIDE_PX <= side <= MAX_SIDE_PX for side in self.size_wh):
            raise DataError(f"size_wh must be two even numbers from {MIN_SIDE_PX} to {MAX_SIDE_PX}, got {self.size_wh}")
        _check_names("screen", (self.train_screens, self.val_screens, self.test_screens), known=SCREENS, least=1)
        _check_names(
            "camera", (self.train_cameras, self.val_cameras, self.test_cameras), known=CAMERAS, least=CAMERAS_PER_GROUP
        )

    @property
    def photos(self) -> int:
        """How many photos the set has."""
        groups = len(self.train_screens) + len(self.val_screens) + len(self.test_screens)
        return 2 * groups * self.photos_per_class_per_group


def _check_names(what: str, splits: tuple[tuple[str, ...], ...], *, known: Iterable[str], least: int) -> None:
    names = [name for split in splits for name in split]
    unknown = sorted(set(names) - set(known))
    if unknown:
        remedy = likeliest(unknown[0], known) or "; correct the name"
        raise DataError(f"every {what} must be one of {sorted(known)}, got {unknown}{remedy}")
    if len(set(names)) < len(names):
        raise DataError(f"a {what} must stand in one split only, and once, got {names}; remove the repeated ones")
    if any(len(split) < least for split in splits):
        raise DataError(f"every split must have at least {least} {what}(s), got {splits}; add some")
