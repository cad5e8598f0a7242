"""Disguises: what a message says once leetspeak, spaced letters, reversal and encodings are taken off."""

from __future__ import annotations

import base64
import binascii
import codecs
import re
import urllib.parse

LEET = str.maketrans("013457@$!", "oieastasi")
SPACED = re.compile(r"\b(?:[a-z0-9][ ._*-]){4,}[a-z0-9]\b", re.IGNORECASE)
BASE64 = re.compile(r"[A-Za-z0-9+/_-]{16,}={0,2}")
HEX = re.compile(r"\b(?:[0-9a-f]{2}[ :]?){10,}\b", re.IGNORECASE)
LONGEST, MOST = 8_000, 6  # characters of a text that is unpacked, and packages that are opened


def undisguised(text: str) -> tuple[str, ...]:
    """The text in lower case as it stands, and once more for each disguise that it may wear.

    Base64 and hexadecimal are opened where they hold readable words. Never raises.
    """
    plain = text[:LONGEST].lower()
    forms = [plain]
    if re.search(r"[a-z][013457@$!][a-z]|\b[013457@$!][a-z]{2,}", plain):
        forms.append(plain.translate(LEET))
    if SPACED.search(plain):
        forms.append(SPACED.sub(lambda match: re.sub(r"[ ._*-]", "", match[0]), plain))
        forms.append(re.sub(r"(?<=\b\w)[ ._*-](?=\w\b)", "", plain))
    if "rot13" in plain or "rot-13" in plain:
        forms.append(codecs.decode(plain, "rot13"))
    if re.search(r"\b(snoitcurtsni|tpmorp|erongi|drawkcab|backwards?|reverse[ds]?)\b", plain):
        forms.append(plain[::-1])
    if "%" in plain and re.search(r"(%[0-9a-f]{2}){3,}", plain):
        forms.append(urllib.parse.unquote(plain))
    forms.extend(found for found in _opened(text[:LONGEST]))
    return tuple(dict.fromkeys(forms))


def _opened(text: str) -> list[str]:
    found = []
    for match in [*BASE64.finditer(text)][:MOST]:
        packed = match[0].replace("-", "+").replace("_", "/").rstrip("=")
        try:
            found.append(base64.b64decode(packed + "=" * (-len(packed) % 4)).decode("utf-8"))
        except (binascii.Error, UnicodeDecodeError, ValueError):
            continue
    for match in [*HEX.finditer(text)][:MOST]:
        try:
            found.append(bytes.fromhex(re.sub(r"[ :]", "", match[0])).decode("utf-8"))
        except (UnicodeDecodeError, ValueError):
            continue
    return [words.lower() for words in found if sum(c.isalpha() or c.isspace() for c in words) > 0.8 * len(words)]
