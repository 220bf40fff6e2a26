"""A maker of small ELF libraries and extension modules: no compiler, no headers, no C library.

What is made says on standard output that it was mapped (`says`, by a system call in its DT_INIT),
exports functions, and can need, export and call whatever a test asks for, also what no linker would
write. For x86-64 and aarch64; of CPython an extension module uses two or three functions and the
layout of PyModuleDef, which has been the same from 3.9 to 3.14.
"""

from __future__ import annotations

import platform
import struct
from collections.abc import Callable, Mapping, Sequence

MACHINE = {"x86_64": 62, "aarch64": 183}.get(platform.machine(), 0)
COUNTS = object()  # a function that returns 1, 2, 3 …

_Code = Callable[[int], bytes]  # from the address that it will have


def library(
    soname: str = "",
    needed: Sequence[str] = (),
    *,
    runpath: str | None = None,
    rpath: str | None = None,
    says: str = "",
    exports: Mapping[str, object] | None = None,
    extra: Sequence[tuple[int, int]] = (),
    machine: int = MACHINE,
) -> bytes:
    """A shared library. An export is a number to return, COUNTS, or the name of what it calls.

    `extra` are further entries of its dynamic section.
    """
    made = _Made(machine)
    for name, value in (exports or {}).items():
        if value is COUNTS:
            made.export(name, made.counter(made.room(8)))
        elif isinstance(value, str):
            made.export(name, made.jump(made.imported(value)))
        else:
            assert isinstance(value, int)
            made.export(name, made.constant(value))
    return made.bytes(soname, needed, runpath, rpath, says, extra)


def extension(
    name: str,
    needed: Sequence[str] = (),
    *,
    calls: str = "",
    returns: object = 42,
    single: bool = False,
    soname: str = "",
    runpath: str | None = None,
    rpath: str | None = None,
    says: str = "",
    machine: int = MACHINE,
) -> bytes:
    """An extension module. Its function `value()` gives what the C function `calls` returns, or
    `returns`: a number or COUNTS. `single` for an initialisation in one phase.
    """
    made = _Made(machine)
    own = f"own_{name}"
    if returns is COUNTS:
        made.export(own, made.counter(made.room(8)))
    else:
        assert isinstance(returns, int)
        made.export(own, made.constant(returns))
    method = made.place(made.method(made.imported(calls or own), made.imported("PyLong_FromLong")))
    methods = made.room(64)
    made.point(methods, made.text("value"))
    made.point(methods + 8, method)
    made.fill(methods + 16, struct.pack("<Q", 4))  # METH_NOARGS
    definition = made.room(104)
    made.fill(definition, struct.pack("<Q", 1))
    made.point(definition + 40, made.text(name))
    made.fill(definition + 56, struct.pack("<q", -1 if single else 0))
    made.point(definition + 64, methods)
    made.export(f"PyInit_{name}", made.start(definition, single))
    return made.bytes(soname, needed, runpath, rpath, says, ())


class _Made:
    """One segment: head, data of one page, code of one page, then what ld.so reads."""

    DATA, CODE, REST = 0x1000, 0x2000, 0x3000

    def __init__(self, machine: int) -> None:
        self.arm = machine == 183
        self.machine = machine
        self._data = bytearray()
        self._code = bytearray()
        self._exports: dict[str, int] = {}
        self._imports: dict[str, int] = {}  # name -> where its address will stand
        self._pointers: list[tuple[int, int]] = []

    # places

    def room(self, size: int) -> int:
        address = self.DATA + len(self._data)
        self._data += bytes(-(-size // 8) * 8)
        return address

    def fill(self, address: int, data: bytes) -> None:
        start = address - self.DATA
        self._data[start : start + len(data)] = data

    def text(self, text: str) -> int:
        data = text.encode() + b"\0"
        address = self.room(len(data))
        self.fill(address, data)
        return address

    def point(self, address: int, to: int) -> None:
        self._pointers.append((address, to))

    def imported(self, name: str) -> int:
        if name not in self._imports:
            self._imports[name] = self.room(8)
        return self._imports[name]

    def place(self, code: _Code) -> int:
        address = self.CODE + len(self._code)
        made = code(address)
        self._code += made + bytes(-len(made) % 16)
        return address

    def export(self, name: str, code: _Code) -> None:
        self._exports[name] = self.place(code)

    # code

    def _words(self, *words: int) -> bytes:
        return struct.pack(f"<{len(words)}I", *words)

    def _adr(self, register: int, at: int, to: int) -> int:
        off = to - at
        return 0x10000000 | (off & 3) << 29 | (off >> 2 & 0x7FFFF) << 5 | register

    def _load(self, at: int, to: int) -> int:  # ldr x16, of what stands there
        return 0x58000000 | ((to - at) >> 2 & 0x7FFFF) << 5 | 16

    def constant(self, value: int) -> _Code:
        if self.arm:
            low, high = value & 0xFFFF, value >> 16 & 0xFFFF
            return lambda _: self._words(0x52800000 | low << 5, 0x72A00000 | high << 5, 0xD65F03C0)
        return lambda _: b"\xb8" + struct.pack("<i", value) + b"\xc3"

    def counter(self, cell: int) -> _Code:
        if self.arm:
            return lambda at: self._words(
                self._adr(1, at, cell), 0xB9400020, 0x11000400, 0xB9000020, 0xD65F03C0
            )
        return lambda at: (
            b"\xff\x05"
            + struct.pack("<i", cell - (at + 6))
            + b"\x8b\x05"
            + struct.pack("<i", cell - (at + 12))
            + b"\xc3"
        )

    def jump(self, cell: int) -> _Code:
        if self.arm:
            return lambda at: self._words(self._load(at, cell), 0xD61F0200)
        return lambda at: b"\xff\x25" + struct.pack("<i", cell - (at + 6))

    def method(self, called: int, made: int) -> _Code:
        """Calls one, and gives its number to the other."""
        if self.arm:
            return lambda at: self._words(
                0xA9BF7BFD,
                self._load(at + 4, called),
                0xD63F0200,
                0x93407C00,
                0xA8C17BFD,
                self._load(at + 20, made),
                0xD61F0200,
            )
        return lambda at: (
            b"\x48\x83\xec\x08\xff\x15"
            + struct.pack("<i", called - (at + 10))
            + b"\x48\x63\xf8\x48\x83\xc4\x08\xff\x25"
            + struct.pack("<i", made - (at + 23))
        )

    def start(self, definition: int, single: bool) -> _Code:
        made = self.imported("PyModule_Create2" if single else "PyModuleDef_Init")
        if self.arm:
            return lambda at: self._words(
                self._adr(0, at, definition),
                0xD2800001 | 1013 << 5,
                self._load(at + 8, made),
                0xD61F0200,
            )
        return lambda at: (
            b"\x48\x8d\x3d"
            + struct.pack("<i", definition - (at + 7))
            + b"\xbe"
            + struct.pack("<i", 1013)
            + b"\xff\x25"
            + struct.pack("<i", made - (at + 18))
        )

    def write(self, text: int, length: int) -> _Code:
        if self.arm:
            return lambda at: self._words(
                0xD2800008 | 64 << 5,
                0xD2800000 | 1 << 5,
                self._adr(1, at + 8, text),
                0xD2800002 | length << 5,
                0xD4000001,
                0xD65F03C0,
            )
        return lambda at: (
            b"\xb8\1\0\0\0\xbf\1\0\0\0\x48\x8d\x35"
            + struct.pack("<i", text - (at + 17))
            + b"\xba"
            + struct.pack("<i", length)
            + b"\x0f\x05\xc3"
        )

    # the file

    def bytes(
        self,
        soname: str,
        needed: Sequence[str],
        runpath: str | None,
        rpath: str | None,
        says: str,
        extra: Sequence[tuple[int, int]],
    ) -> bytes:
        dynamic: list[tuple[int, int]] = []
        if says:
            line = says + "\n"
            code = self.write(self.text(line), len(line.encode()))
            dynamic.append((12, self.place(code)))  # DT_INIT
        strings = bytearray(b"\0")

        def string(text: str) -> int:
            start = len(strings)
            strings.extend(text.encode() + b"\0")
            return start

        dynamic += [(1, string(name)) for name in needed]
        for tag, value in ((14, soname or None), (15, rpath), (29, runpath)):
            if value is not None:
                dynamic.append((tag, string(value)))
        symbols, relocations = bytearray(24), bytearray()
        names = [*self._exports, *(name for name in self._imports if name not in self._exports)]
        for name in names:
            address = self._exports.get(name, 0)
            symbols += struct.pack(
                "<IBBHQQ", string(name), 0x12, 0, 1 if address else 0, address, 0
            )
        global_data, relative = (1025, 1027) if self.arm else (6, 8)
        for name, cell in self._imports.items():
            info = (names.index(name) + 1) << 32 | global_data
            relocations += struct.pack("<QQq", cell, info, 0)
        for cell, to in self._pointers:
            relocations += struct.pack("<QQq", cell, relative, to)
        count = len(names) + 1
        chain = [*range(2, count), 0] if names else []
        hashes = struct.pack(f"<{4 + len(chain)}I", 1, count, 1 if names else 0, 0, *chain)
        hashes += bytes(-len(hashes) % 8)
        length = 16 * (len(dynamic) + len(extra) + 9)
        at_symbols = self.REST + length
        at_relocations = at_symbols + len(symbols)
        at_hashes = at_relocations + len(relocations)
        at_strings = at_hashes + len(hashes)
        dynamic += [*extra, (4, at_hashes), (5, at_strings), (6, at_symbols)]
        dynamic += [(7, at_relocations), (8, len(relocations)), (9, 24)]
        dynamic += [(10, len(strings)), (11, 24), (0, 0)]
        section = b"".join(struct.pack("<qQ", tag, value) for tag, value in dynamic)
        assert len(section) == length
        rest = section + symbols + relocations + hashes + strings
        size = self.REST + len(rest)
        head = struct.pack(
            "<4sBBB9xHHIQQQIHHHHHH",
            b"\x7fELF", 2, 1, 1, 3, self.machine, 1, 0, 64, 0, 0, 64, 56, 3, 64, 0, 0,
        )  # fmt: skip
        head += struct.pack("<IIQQQQQQ", 1, 7, 0, 0, 0, size, size, 0x10000)
        head += struct.pack("<IIQQQQQQ", 2, 6, *[self.REST] * 3, length, length, 8)
        head += struct.pack("<IIQQQQQQ", 0x6474E551, 6, 0, 0, 0, 0, 0, 16)
        pages = (head, self._data, self._code)
        assert all(len(page) <= 0x1000 for page in pages)
        return b"".join(bytes(page).ljust(0x1000, b"\0") for page in pages) + rest
