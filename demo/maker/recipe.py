"""What is heard in each demo video, and when; and the queries that should find it.

A `Sound` is one event: a label, the second it begins, and the clips it is made of. The times written
to manifest.json are measured on the levelled sound, so they are where the event can be heard.
"""

from __future__ import annotations

from itertools import count

from .packages import ASTERISK, FLARE, FREEDESKTOP, FREEDINK, LOMIRI, MINETEST, horizons, sonic_pi, zero_ad
from .sources import Source
from .timeline import Clip, Heard, Query, Sound, Video

FOOTSTEPS = zero_ad("actor/human/movement/Footsteps/Footstep_Gravel_Walking.ogg")
KENNEL_BUILT = zero_ad("interface/complete/building/complete_kennel.ogg")
KENNEL_CHOSEN = zero_ad("interface/select/building/sel_kennel.ogg")
FARM = zero_ad("ambient/building/amb_farm_11.ogg")
CORRAL = zero_ad("interface/complete/building/complete_corral.ogg")
SHEEPFIELD = horizons("sheepfield")
RAIN = Source(
    FLARE,
    "empyrean_campaign/soundfx/environment/rain.ogg",
    "Clint Bellanger and others (sound effects: adamgryu, GuntherDorksen)",
    "CC-BY-SA-3.0",
)
# The recording has a strong middle, which makes the rain sound like a brook.
CLEAR_RAIN = "equalizer=f=1000:width_type=o:width=2:gain=-8,treble=gain=6:frequency=4000"
BIRDS = zero_ad("ambient/dayscape/day_temperate_14.ogg")
CHAPEL = horizons("chapel")
CELLO = Source(FREEDINK, "1.ogg", "John Michel (cello)", "CC-BY-SA-3.0", title="Ave Maria (Bach/Gounod)")
LUMBERJACK = horizons("lumberjack", "hazure; Unknown Horizons Team", evidence=1)
SAWS = tuple(zero_ad(f"resource/construction/con_saw_{number:02}.ogg") for number in (5, 2, 1))
CHIMES = Source(LOMIRI, "ringtones/Wind chime.ogg", "Canonical Ltd.", "CC-BY-SA-3.0", title="Wind chime")
BICYCLE_BELL = sonic_pi("perc_bell")
GLASS = tuple(
    Source(
        MINETEST,
        f"default/sounds/default_break_glass.{number}.ogg",
        "the Minetest developers (celeron55, Perttu Ahola, and others)",
        "CC-BY-SA-3.0",
    )
    for number in (2, 1, 3)
)
HOOVES = zero_ad("interface/complete/building/complete_stable.ogg")
NEIGHS = (
    zero_ad("actor/fauna/animal/horse_death2.ogg"),
    zero_ad("interface/select/building/sel_stable.ogg"),
)
CROW = sonic_pi("misc_crow")
GREETING = Source(ASTERISK, "vm-intro.wav", "Allison Smith", "CC-BY-SA-3.0")
BEEP = Source(ASTERISK, "beep.wav", "Allison Smith", "CC-BY-SA-3.0")
SHUTTER = Source(FREEDESKTOP, "stereo/camera-shutter.oga", "horsthorstensen (freesound.org)", "CC-BY-SA-3.0")
CRACKLES = tuple(zero_ad(f"attack/fire/c_{number}.ogg") for number in (13, 14, 12))
HARP = Source(LOMIRI, "ringtones/Harp arp.ogg", "Canonical Ltd.", "CC-BY-SA-3.0", title="Harp arp")
BLAST = Source(MINETEST, "tnt/sounds/tnt_explode.ogg", "no copyright claimed", "CC0-1.0", evidence=1)
RUMBLE = sonic_pi("misc_cineboom")
KICK, SNARE, HAT, SPLASH = (
    sonic_pi(name)
    for name in ("drum_heavy_kick", "drum_snare_hard", "drum_cymbal_closed", "drum_splash_hard")
)
TOMS = tuple(sonic_pi(f"drum_tom_{name}_hard") for name in ("hi", "mid", "lo"))


def _repeated(source: Source, offsets: tuple[float, ...], end: float | None = None) -> tuple[Clip, ...]:
    return tuple(Clip(source, offset, end=end) for offset in offsets)


def _fire(seconds: float) -> tuple[Clip, ...]:
    """Crackling without a break, the recordings faded into each other, dying away at the end."""
    step, overlap = 4.6, 0.4
    clips = []
    for source, start in zip(CRACKLES, count(0.0, step)):
        last = start + step + overlap >= seconds
        end = seconds - start if last else step + overlap
        clips.append(Clip(source, start, end=end, fade_in=overlap, fade_out=1.5 if last else overlap))
        if last:
            break
    return tuple(clips)


def _drum_pattern() -> tuple[Clip, ...]:
    """Six bars of rock at 116 beats a minute: hats in eighths, kick, back beat, a fill of toms twice."""
    beat = 60 / 116
    clips = []
    for bar in range(6):
        start = bar * 4 * beat
        fill = bar in (2, 5)
        for eighth in range(4 if fill else 8):
            clips.append(Clip(HAT, start + eighth * beat / 2, gain_db=-11 if eighth % 2 else -8))
        kicks = (0, 1.5) if fill else (0, 1.5, 2)
        clips += [Clip(KICK, start + at * beat, gain_db=1) for at in kicks]
        clips += [Clip(SNARE, start + at * beat, gain_db=-2) for at in ((1,) if fill else (1, 3))]
        if fill:
            toms = (TOMS[0], TOMS[0], TOMS[0], TOMS[1], TOMS[1], TOMS[1], TOMS[2], TOMS[2])
            clips += [Clip(tom, start + (2 + step / 4) * beat, gain_db=-1) for step, tom in enumerate(toms)]
        if bar in (0, 3):
            clips.append(Clip(SPLASH, start, gain_db=-5))
    clips += [Clip(SPLASH, 24 * beat, gain_db=-3), Clip(KICK, 24 * beat, gain_db=1)]
    return tuple(clips)


VIDEOS = (
    Video(
        "farm.mp4",
        "Morning on the farm",
        27,
        "farm",
        (
            Sound("hens clucking", 2.0, (Clip(FARM, start=3.8, end=9.9, fade_in=0.2, fade_out=0.4),)),
            Sound("cow mooing", 12.0, tuple(Clip(CORRAL, at, start=0.85, fade_out=0.2) for at in (0.0, 2.5))),
            Sound(
                "sheep bleating",
                19.5,
                (
                    Clip(SHEEPFIELD, 0.0, start=9.7, end=11.7, fade_in=0.15, fade_out=0.3),
                    Clip(SHEEPFIELD, 1.7, start=18.3, end=20.5, fade_in=0.3, fade_out=0.3),
                    Clip(SHEEPFIELD, 3.6, start=23.1, end=24.9, fade_in=0.3, fade_out=0.4),
                ),
            ),
        ),
        (Query("hens cluck in the farmyard", ("hens clucking",)),),
    ),
    Video(
        "gate.mp4",
        "Somebody at the gate",
        17,
        "gate",
        (
            Sound("footsteps on gravel", 1.5, (Clip(FOOTSTEPS, 0.0), Clip(FOOTSTEPS, 2.9)), -23.0),
            Sound("dog barking", 10.0, (Clip(KENNEL_CHOSEN, 0.0), Clip(KENNEL_BUILT, 2.3))),
        ),
        (Query("a hound barks", ("dog barking",)),),
    ),
    Video(
        "thunderstorm.mp4",
        "Thunderstorm",
        22,
        "storm",
        (
            Sound(
                "rain",
                0.0,
                (Clip(RAIN, start=32.0, end=54.0, fade_in=0.3, fade_out=0.6, filters=CLEAR_RAIN),),
                -24.0,
                (Heard("thunder", 9.8, 15.5),),
            ),
        ),
        (Query("thunder rolls while rain is falling", ("thunder",)),),
    ),
    Video(
        "village.mp4",
        "Sunday in the village",
        20,
        "village",
        (
            Sound("birds singing", 0.0, (Clip(BIRDS, end=20.0, fade_in=0.3, fade_out=0.6),), -27.0),
            Sound("church bell", 7.0, (Clip(CHAPEL, start=16.05, end=23.05, fade_out=0.5),), -21.0),
        ),
        (Query("a church bell rings while birds are singing", ("church bell",)),),
    ),
    Video(
        "cello.mp4",
        "Cello recital",
        16,
        "cello",
        (Sound("cello playing", 1.0, (Clip(CELLO, start=155.5, end=169.5, fade_in=0.4, fade_out=1.2),)),),
        (Query("a cello plays a slow melody", ("cello playing",)),),
    ),
    Video(
        "woodshed.webm",
        "In the woodshed",
        19,
        "woodshed",
        (
            Sound("chopping wood", 2.0, _repeated(LUMBERJACK, (0.0, 1.15, 2.4, 3.5, 4.7))),
            Sound(
                "sawing wood",
                11.0,
                tuple(Clip(SAWS[i % 3], i * 0.95, fade_in=0.02, fade_out=0.1) for i in range(5)),
            ),
        ),
        (Query("someone chops wood", ("chopping wood",)),),
    ),
    Video(
        "drums.mp4",
        "Drum kit",
        16,
        "drums",
        (Sound("drum kit playing", 1.0, _drum_pattern()),),
    ),
    Video(
        "chimes.mov",
        "Wind chimes on the porch",
        17,
        "chimes",
        (Sound("wind chimes", 1.0, (Clip(CHIMES, end=15.4, fade_out=1.0),), -22.0),),
    ),
    Video(
        "bicycle.mp4",
        "The bicycle and the window",
        16,
        "bicycle",
        (
            Sound(
                "bicycle bell",
                2.5,
                (
                    Clip(BICYCLE_BELL, 0.0, end=1.1, fade_out=0.2),
                    Clip(BICYCLE_BELL, 1.0, end=3.0, fade_out=0.6),
                ),
            ),
            Sound(
                "glass breaking",
                9.0,
                (
                    Clip(GLASS[1], 0.0),
                    Clip(GLASS[0], 0.12),
                    Clip(GLASS[2], 0.75, gain_db=-3),
                    Clip(GLASS[0], 1.5, gain_db=-5),
                ),
            ),
        ),
        (Query("a bicycle bell followed by breaking glass", ("bicycle bell", "glass breaking")),),
    ),
    Video(
        "stable.mp4",
        "At the stable",
        16,
        "stable",
        (
            Sound(
                "horse walking", 1.5, tuple(Clip(HOOVES, at, fade_out=0.15) for at in (0.0, 1.5, 3.0)), -23.0
            ),
            Sound("horse neighing", 9.5, (Clip(NEIGHS[0], 0.0), Clip(NEIGHS[1], 2.2))),
        ),
        (Query("a horse neighs", ("horse neighing",)),),
    ),
    Video(
        "crow.mp4",
        "A crow in the field",
        14,
        "crow",
        (Sound("crow cawing", 4.0, _repeated(CROW, (0.0, 0.75, 1.55, 3.1, 3.85))),),
        (Query("a crow is cawing", ("crow cawing",)),),
    ),
    Video(
        "answering-machine.mp4",
        "Answering machine",
        13,
        "machine",
        (
            Sound("woman speaking", 1.5, (Clip(GREETING),)),
            Sound("beep", 8.6, (Clip(BEEP),), -24.0),
        ),
        (Query("a woman is talking", ("woman speaking",)),),
    ),
    Video(
        "photographer.mp4",
        "Photographer at work",
        13,
        "camera",
        (Sound("camera shutter", 4.0, _repeated(SHUTTER, (0.0, 1.0, 1.8, 3.0, 3.9))),),
    ),
    Video(
        "campfire.mp4",
        "A harp by the campfire",
        18,
        "campfire",
        (
            Sound("fire crackling", 0.0, _fire(11.0), -28.0),
            Sound("harp playing", 10.5, (Clip(HARP, fade_out=0.5),), -19.0),
        ),
    ),
    Video(
        "quarry.mp4",
        "Blasting in the quarry",
        15,
        "quarry",
        (
            Sound(
                "explosion",
                6.0,
                (Clip(BLAST, fade_out=0.3), Clip(RUMBLE, 0.05, start=2.75, fade_in=0.05, fade_out=1.0)),
                -16.0,
            ),
        ),
    ),
)
