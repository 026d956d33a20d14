#!/usr/bin/env python3
"""Makes the fonts of this folder anew from the npm packages of the Noto fonts; see docs/decisions/0014-fonts.md.

    python3 -m venv venv && venv/bin/pip install fonttools==4.68.0
    for p in jp@0.4.3 sc@0.4.3 kr@0.4.3 arabic@0.4.3 armenian@0.4.2 bengali@0.4.4 devanagari@0.4.1 georgian@0.4.3 \
             hebrew@0.4.1 tamil@0.4.3 thai@0.4.2; do npm pack @expo-google-fonts/noto-sans-$p; done
    npm pack @expo-google-fonts/noto-emoji@0.4.7
    for f in *.tgz; do tar xzf $f --wildcards '*/400Regular/*.ttf' --strip-components=2; done
    venv/bin/python subset.py FOLDER_OF_THE_TTF_FILES
"""

import sys
from pathlib import Path

from fontTools import subset
from fontTools.ttLib import TTFont
from fontTools.ttLib.scaleUpem import scale_upem

HERE = Path(__file__).parent


def pairs(codec, high, low, prefix=b""):
    """What a two-byte character set holds."""
    for a in high:
        for b in low:
            try:
                yield from map(ord, (prefix + bytes([a, b])).decode(codec))
            except UnicodeDecodeError:
                pass


BYTES = range(0xA1, 0xFF)
FORMS = set(range(0x3000, 0x3100)) | set(range(0x31F0, 0x3200)) | set(range(0xFF00, 0xFFEF)) | {0x32FF, *range(0x3200, 0x3400)}
JAPAN = set(pairs("euc_jp", BYTES, BYTES))
CHINA = set(pairs("gb2312", BYTES, BYTES))
# The first level: what is in common use.
TAIWAN = set(pairs("big5", range(0xA4, 0xC7), [*range(0x40, 0x7F), *BYTES]))
KOREA = set(pairs("euc_kr", BYTES, BYTES))


def letters(of, *ranges):
    """Those of a character set within these ranges."""
    return {c for c in of for low, high in ranges if low <= c <= high}


KEPT = {0x20, 0xA0, *map(ord, "0123456789#*")}
HAN = (0x4E00, 0x9FFF)
WANTED = {
    "JP": letters(JAPAN, HAN) | FORMS | {0x3005, 0x9AD9, 0xFA11, 0x20BB7},
    "SC": letters(CHINA | TAIWAN, HAN) - letters(JAPAN, HAN),
    "KR": letters(KOREA, (0xAC00, 0xD7A3)) | set(range(0x3131, 0x318F)),
}


def smaller(source, target, unicodes, upem, features):
    font = TTFont(source)
    options = subset.Options()
    options.hinting = False
    options.layout_features = features
    options.name_IDs = [0, 1, 2, 3, 4, 5, 6, 13, 14]
    options.notdef_outline = True
    options.glyph_names = False
    options.drop_tables += ["DSIG", "VORG", "vhea", "vmtx", "BASE", "STAT", "MVAR"]
    made = subset.Subsetter(options)
    # Latin is in the fonts of the text already; a key's digit and its cap are of one font.
    made.populate(unicodes=unicodes or [c for c in font.getBestCmap() if c in KEPT or c >= 0x300])
    made.subset(font)
    if upem and upem != font["head"].unitsPerEm:
        scale_upem(font, upem)
    font["head"].modified = font["head"].created
    font.recalcTimestamp = False
    font.save(target)
    print(f"{target.name:32} {len(font.getBestCmap()):6} characters {target.stat().st_size:9} bytes")


def main(folder):
    for name, unicodes in WANTED.items():
        smaller(folder / f"NotoSans{name}_400Regular.ttf", HERE / f"NotoSans{name}.ttf", unicodes, 250, [])
    for name in ["Arabic", "Armenian", "Bengali", "Devanagari", "Georgian", "Hebrew", "Tamil", "Thai"]:
        smaller(folder / f"NotoSans{name}_400Regular.ttf", HERE / f"NotoSans{name}.ttf", None, 500, subset.Options._layout_features_default)
    smaller(folder / "NotoEmoji_400Regular.ttf", HERE / "NotoEmoji.ttf", None, 256, subset.Options._layout_features_default)


main(Path(sys.argv[1]))
