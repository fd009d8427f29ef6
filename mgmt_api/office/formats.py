"""The card formats that readers can be set to, by the names under which readers report them.

A card filed under a name that no reader reports would never open: names are checked when central sends them. The
readers' own table is `controllers/wiegand.py`; a test holds the two together.
"""

_NAMES = """
H10301 ind26 ind27 indasc27 Tecom27 2804W ind29 ATSW30 ADT31 WG32 WIE32 Kastle Kantech HPP32 HCP32 D10202 H10306
N10002 BQT34 WG34N Optus34 SMP34 C1k35s C15001 S12906 Sie36 WG36 H10302 H10304 P10004 MDI37 BQT38 ISCS PW39 P10001
Casi40 Verkada40 WG44 H800002 C1k48s Avig56 IR56 WG58 WG66 KEY4 KEY8 ACTPHID H10320 HGen37 BC40
"""
FORMATS = frozenset(_NAMES.split())
ALIASES = {
    "WG26": "H10301",
    "W26": "H10301",
    "Wiegand26": "H10301",
    "WG34": "H10306",
    "W34": "H10306",
    "Wiegand34": "H10306",
    "WG35": "C1k35s",
    "WG37": "H10302",
    "CSN32": "WG32",
}


def canonical(name: str) -> str | None:
    """The format's own name; None when there is no such format."""
    name = ALIASES.get(name, name)
    return name if name in FORMATS else None
