"""An archive, read by Python: `read.py stream FILE` goes through it front to back, by its local headers alone, and by the
letter of APPNOTE 4.3.7 and 4.3.9; `read.py directory FILE` by its central directory, with zipfile. Prints name, bytes and
CRC-32 of each file."""

import struct
import sys
import zipfile
import zlib

CHUNK = 1 << 20


class Front:
    """A file that is read once."""

    def __init__(self, file):
        self.file, self.ahead = file, b""

    def take(self, count):
        while len(self.ahead) < count:
            more = self.file.read(CHUNK)
            if not more:
                sys.exit("the archive ends in the middle")
            self.ahead += more
        taken, self.ahead = self.ahead[:count], self.ahead[count:]
        return taken

    def inflated(self):
        """Bytes and CRC-32 of what is deflated next, and the bytes it took."""
        inflate, size, crc, taken = zlib.decompressobj(-15), 0, 0, 0
        while not inflate.eof:
            piece = self.ahead or self.file.read(CHUNK)
            if not piece:
                sys.exit("the archive ends in the middle")
            self.ahead = b""
            taken += len(piece)
            while piece and not inflate.eof:
                plain = inflate.decompress(piece, 16 * CHUNK)
                piece = inflate.unconsumed_tail
                size += len(plain)
                crc = zlib.crc32(plain, crc)
        self.ahead = inflate.unused_data
        return size, crc, taken - len(self.ahead)


def stream(path):
    with open(path, "rb") as file:
        front = Front(file)
        while (mark := front.take(4)) == b"PK\x03\x04":
            version, flags, method, _, _, crc, packed, size, named, more = struct.unpack("<5H3I2H", front.take(26))
            name = front.take(named).decode()
            extra = front.take(more)
            if (flags, method, crc) != (0x808, 8, 0):
                sys.exit(f"{name}: flags {flags:x}, method {method}, CRC {crc}")
            size, crc, packed = front.inflated()
            large = max(size, packed) >= 0xFFFFFFFF
            if not large and (version, extra) != (20, b""):
                sys.exit(f"{name}: {size} bytes, and its header speaks of ZIP64: version {version}, {extra.hex()}")
            if large and (version, extra) != (45, struct.pack("<HHQQ", 1, 16, 0, 0)):
                sys.exit(f"{name}: {size} bytes, and its header does not announce ZIP64")
            form = "<4sIQQ" if large else "<4sIII"
            told = struct.unpack(form, front.take(struct.calcsize(form)))
            if told != (b"PK\x07\x08", crc, packed, size):
                sys.exit(f"{name}: its descriptor says {told}, and it has {packed}, {size}")
            print(name, size, f"{crc:08x}", sep="\t")
        if mark != b"PK\x01\x02":
            sys.exit(f"behind the last file stands {mark}")


def directory(path):
    with zipfile.ZipFile(path) as archive:
        for info in archive.infolist():
            with archive.open(info) as file:
                while file.read(CHUNK):
                    pass
            print(info.filename, info.file_size, f"{info.CRC:08x}", sep="\t")


if __name__ == "__main__":
    {"stream": stream, "directory": directory}[sys.argv[1]](sys.argv[2])
