"""The Debian packages used (Debian 12, "bookworm") and, quoted, what each says about its licences."""

from __future__ import annotations

from .sources import Evidence, Package, Source

ZERO_AD = Package(
    name="0ad-data",
    version="0.0.26-1",
    homepage="https://www.wildfiregames.com/",
    root="usr/share/games/0ad/mods/public",
    archive="public.zip",
    evidence=(
        Evidence(
            "archive!audio/LICENSE.txt",
            (
                "The files in this directory are Copyright (C) 2009 Wildfire Games.",
                "These files are licensed under the Creative Commons Attribution-Share Alike 3.0",
                "(CC-by-sa) license, available at http://creativecommons.org/licenses/by-sa/3.0/",
            ),
        ),
        Evidence(
            "usr/share/doc/0ad-data/copyright",
            ("Files: *", "Copyright: 2010 Wildfire Games", "License: CC-BY-SA-3.0"),
        ),
    ),
)

HORIZONS = Package(
    name="unknown-horizons",
    version="2019.1-6",
    homepage="https://github.com/unknown-horizons/unknown-horizons",
    root="usr/share/unknown-horizons/content/audio",
    evidence=(
        Evidence(
            "usr/share/doc/unknown-horizons/copyright",
            ("Files: content/*", "Copyright: Unknown Horizons Team", "License: CC-BY-SA-3.0"),
        ),
        Evidence(
            "usr/share/doc/unknown-horizons/copyright",
            (
                "Files: content/audio/sounds/lumberjack*.ogg",
                "Copyright: hazure",
                "Unknown Horizons Team",
                "License: CC-BY-SA-3.0",
            ),
        ),
    ),
)

FLARE = Package(
    name="flare-game",
    version="1.14-1",
    homepage="https://flarerpg.org/",
    root="usr/share/games/flare/mods",
    evidence=(
        Evidence(
            "usr/share/doc/flare-game/copyright",
            ("Files: *", "Copyright: 2012-2021 Clint Bellanger and others", "License: CC-BY-SA-3.0+"),
        ),
    ),
)

MINETEST = Package(
    name="minetest-data",
    version="5.6.1+dfsg+~1.9.0mt8+dfsg-2",
    homepage="https://www.minetest.net/",
    root="usr/share/games/minetest/games/minetest_game/mods",
    evidence=(
        Evidence(
            "usr/share/doc/minetest-data/copyright",
            (
                "According to the main README file all Minetest textures and sounds are",
                "licensed under CC-BY-SA-3.0 with the notable exceptions below.",
            ),
        ),
        Evidence(
            "usr/share/doc/minetest-data/copyright",
            (
                "mtg/mods/tnt/sounds/*",
                "mtg/mods/xpanes/textures/xpanes_edge.png",
                "Copyright: no-copyright",
                "License: CC0-1.0",
            ),
        ),
    ),
)

FREEDINK = Package(
    name="freedink-data",
    version="1.08.20190120-2",
    homepage="https://www.gnu.org/software/freedink/",
    root="usr/share/games/dink/dink/Sound",
    evidence=(
        Evidence(
            "usr/share/doc/freedink-data/README-REPLACEMENTS.txt.gz",
            (
                '"Ave Maria" composed by Charles Gounod 1859',
                "Initial/replaced version (TiMidity output):",
                "-Sequence: AVE MARIA",
                "-Copyright: (C)1994 Roland Corporation",
                "(Bach/Gounod version)",
                "Replacement:",
                "http://en.wikipedia.org/wiki/Image:JOHN_MICHEL_CELLO-BACH_AVE_MARIA.ogg",
                "+Artist: John Michel (Cello)",
                "+License: CC-BY-SA 3.0 Unported",
            ),
        ),
    ),
)

_HARP_TO_CHIME = (
    "Harp?arp", "Koto?chords", "Latin", "Marimbach", "Melody?piano", "Soul", "Sparkle",
    "Supreme", "Suru?arpeggio", "Tongue?drum", "Ubuntu", "Wind?chime",
)  # fmt: skip

LOMIRI = Package(
    name="lomiri-sounds",
    version="22.02-1",
    homepage="https://gitlab.com/ubports/core/lomiri-sounds",
    root="usr/share/sounds/lomiri",
    evidence=(
        Evidence(
            "usr/share/doc/lomiri-sounds/copyright",
            (
                *(f"share/sounds/lomiri/ringtones/{name}.ogg" for name in _HARP_TO_CHIME),
                "Copyright: 2013, Canonical Ltd.",
                "License: CC-BY-SA-3.0",
            ),
        ),
    ),
)

FREEDESKTOP = Package(
    name="sound-theme-freedesktop",
    version="0.8-2",
    homepage="https://www.freedesktop.org/wiki/Specifications/sound-theme-spec/",
    root="usr/share/sounds/freedesktop",
    evidence=(
        Evidence(
            "usr/share/doc/sound-theme-freedesktop/copyright",
            (
                "Files: stereo/camera-shutter.oga stereo/screen-capture.oga",
                "Copyright: freesound user horsthorstensen",
                "License: CC-BY-SA-3.0",
            ),
        ),
    ),
)

ASTERISK = Package(
    name="asterisk-core-sounds-en-wav",
    version="1.6.1-1",
    homepage="https://www.asterisk.org/",
    root="usr/share/asterisk/sounds/en_US_f_Allison",
    evidence=(
        Evidence(
            "usr/share/doc/asterisk-core-sounds-en-wav/copyright",
            (
                "Files: *",
                "Copyright: 2003-2010, Allison Smith",
                "Comment: The CREDITS file:",
                "Recorded by:",
                "Allison Smith (http://www.theivrvoice.com)",
                ".",
                "Financial Contributions by:",
                "Digium, Inc. (http://www.digium.com)",
                "License: CC-BY-SA-3.0",
            ),
        ),
    ),
)

# Sample of Sonic Pi: year and author, page of the recording.
_SONIC_PI = {
    "perc_bell": ("2014 AlaskaRobotics", "freesound.org/people/AlaskaRobotics/sounds/221515/"),
    "misc_crow": ("2008 davidworksonline", "freesound.org/people/davidworksonline/sounds/54973/"),
    "misc_cineboom": ("2013 Northern_Monkey", "freesound.org/people/Northern_Monkey/sounds/177242/"),
    "drum_heavy_kick": ("2005 Zajo", "freesound.org/people/Zajo/sounds/4832/"),
    "drum_snare_hard": ("2010 menegass", "www.freesound.org/people/menegass/sounds/100058/"),
    "drum_cymbal_closed": ("2010 menegass", "www.freesound.org/people/menegass/sounds/100053/"),
    "drum_splash_hard": ("2010 menegass", "www.freesound.org/people/menegass/sounds/100060/"),
    "drum_tom_hi_hard": ("2010 menegass", "www.freesound.org/people/menegass/sounds/100062/"),
    "drum_tom_mid_hard": ("2010 menegass", "www.freesound.org/people/menegass/sounds/100066/"),
    "drum_tom_lo_hard": ("2010 menegass", "www.freesound.org/people/menegass/sounds/100064/"),
}


def _sonic_pi_evidence(name: str) -> Evidence:
    author, page = _SONIC_PI[name]
    return Evidence(
        "usr/share/doc/sonic-pi-samples/copyright",
        (
            f"Files: etc/samples/{name}.flac",
            f"Copyright: {author}",
            f"Source: http://{page}",
            "License: CC0",
        ),
    )


SONIC_PI = Package(
    name="sonic-pi-samples",
    version="3.2.2~repack-8",
    homepage="https://sonic-pi.net/",
    root="usr/share/sonic-pi/samples",
    evidence=tuple(_sonic_pi_evidence(name) for name in _SONIC_PI),
)


def zero_ad(path: str) -> Source:
    return Source(ZERO_AD, f"audio/{path}", "Wildfire Games", "CC-BY-SA-3.0")


def sonic_pi(name: str) -> Source:
    author, page = _SONIC_PI[name]
    return Source(
        SONIC_PI,
        f"{name}.flac",
        author.split(" ", 1)[1],
        "CC0-1.0",
        evidence=list(_SONIC_PI).index(name),
        title=f"http://{page}",
    )


def horizons(name: str, author: str = "Unknown Horizons Team", evidence: int = 0) -> Source:
    return Source(HORIZONS, f"sounds/{name}.ogg", author, "CC-BY-SA-3.0", evidence)


# The title in the picture; not a sound.
FONT = Source(
    Package(
        name="fonts-dejavu-core",
        version="2.37-6",
        homepage="https://dejavu-fonts.github.io/",
        root="usr/share/fonts/truetype/dejavu",
        evidence=(),
    ),
    "DejaVuSans-Bold.ttf",
    "DejaVu fonts team",
    "Bitstream-Vera",
)
