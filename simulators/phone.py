"""A resident's phone: live codes in the format MJ1, signed by the phone's own key. An encoder apart from Menjin's.

Layout (big-endian): type 0x11, algorithm and key 0x10, handle 8, site 4, iat 4, flags 1, door 2, then r and s of an
ES256 signature over "MJ1" NUL and all that stands before it; the text is "MJ1:" and Base45 (RFC 9285).

    python -m simulators.phone --number 3      # shows the code of the estate's third phone as a QR code
"""

import argparse
import struct
import sys
import time
from pathlib import Path

import segno
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from simulators.estate import Phone, build

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"  # RFC 9285 table 1


def live_code(phone: Phone, site_id: int, iat: int | None = None, door: int = 0) -> str:
    """The text that a phone shows. `iat` is Unix seconds, now by default; door 0 fits any door."""
    issued = int(time.time()) if iat is None else iat
    body = struct.pack(">BB8sIIBH", 0x11, 0x10, bytes.fromhex(phone.handle), site_id, issued, 0, door)
    der = phone.key.sign(b"MJ1\0" + body, ec.ECDSA(hashes.SHA256()))
    signature = b"".join(number.to_bytes(32, "big") for number in decode_dss_signature(der))
    return "MJ1:" + base45(body + signature)


def base45(data: bytes) -> str:
    """RFC 9285: two bytes become three characters, a last single byte two; least significant first."""
    text = ""
    for at in range(0, len(data), 2):
        pair = data[at : at + 2]
        value = int.from_bytes(pair, "big")
        for _ in range(3 if len(pair) == 2 else 2):
            value, digit = divmod(value, 45)
            text += ALPHABET[digit]
    return text


def main() -> None:
    """Show a fresh code as text and as a QR code."""
    parser = argparse.ArgumentParser(description="a resident's phone")
    parser.add_argument("--number", type=int, default=0, help="which phone of the estate")
    parser.add_argument("--png", type=Path, help="also write the code as a picture")
    arguments = parser.parse_args()
    estate = build()
    text = live_code(estate.phones[arguments.number], estate.site_id)
    code = segno.make(text, error="m", micro=False)
    code.terminal(sys.stdout, compact=True)
    sys.stdout.write(text + "\n")
    if arguments.png:
        code.save(str(arguments.png), scale=8)


if __name__ == "__main__":
    main()
