"""Makes Outlook's .msg files ([MS-OXMSG] in [MS-CFB]), as no library does: small, and to the letter."""

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

_SECTOR, _MINI, _CUTOFF = 512, 64, 4096
_END, _FREE, _FAT_SECTOR = 0xFFFFFFFE, 0xFFFFFFFF, 0xFFFFFFFD

Tree = Mapping[str, "bytes | Tree"]
"""A storage: its streams and storages by name."""


@dataclass
class _Entry:
    name: str
    kind: int
    child: int = _FREE
    right: int = _FREE
    start: int = _END
    content: bytes = b""


@dataclass
class _Writer:
    entries: list[_Entry] = field(default_factory=list)

    def storage(self, name: str, tree: Tree, kind: int) -> int:
        at = len(self.entries)
        self.entries.append(_Entry(name, kind))
        before = None
        for inner in sorted(tree, key=lambda one: (len(one), one.upper())):
            value = tree[inner]
            if isinstance(value, bytes):
                number = len(self.entries)
                self.entries.append(_Entry(inner, 2, content=value))
            else:
                number = self.storage(inner, value, 1)
            if before is None:
                self.entries[at].child = number
            else:
                self.entries[before].right = number
            before = number
        return at

    def file(self) -> bytes:
        """Sectors in this order: streams, the mini stream, its table, the directory, the table of sectors."""
        sectors, table, mini, mini_table = bytearray(), list[int](), bytearray(), list[int]()
        for entry in self.entries[1:]:
            if entry.kind == 2 and entry.content:
                if len(entry.content) >= _CUTOFF:
                    entry.start = _add(sectors, table, entry.content, _SECTOR)
                else:
                    entry.start = _add(mini, mini_table, entry.content, _MINI)
        self.entries[0].content = bytes(mini)
        self.entries[0].start = _add(sectors, table, bytes(mini), _SECTOR) if mini else _END
        mini_fat = struct.pack(f"<{len(mini_table)}I", *mini_table)
        first_mini_fat = _add(sectors, table, mini_fat, _SECTOR, b"\xff") if mini_fat else _END
        directory = b"".join(map(_directory_entry, self.entries))
        first_directory = _add(sectors, table, directory, _SECTOR)
        count = next(n for n in range(1, 110) if n * (_SECTOR // 4) >= len(table) + n)
        fat_at = len(table)
        table += [_FAT_SECTOR] * count
        fat = struct.pack(f"<{len(table)}I", *table).ljust(count * _SECTOR, b"\xff")
        header = struct.pack(
            "<8s16sHHHHH6sIIIIIIIIII",
            *(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", bytes(16), 0x3E, 3, 0xFFFE, 9, 6, bytes(6), 0, count),
            *(first_directory, 0, _CUTOFF, first_mini_fat, -(-len(mini_fat) // _SECTOR), _END, 0),
            *(fat_at,),
        )
        more = struct.pack("<108I", *[fat_at + n if n < count else _FREE for n in range(1, 109)])
        return header + more + bytes(sectors) + fat


def _add(sectors: bytearray, table: list[int], content: bytes, size: int, filler: bytes = b"\0") -> int:
    """Puts a chain of sectors at the end, and says where it begins."""
    first, count = len(table), -(-len(content) // size)
    table += [*range(first + 1, first + count), _END]
    sectors += content.ljust(count * size, filler)
    return first


def _directory_entry(entry: _Entry) -> bytes:
    name = entry.name.encode("utf-16-le")
    return struct.pack(
        "<64sHBBIII16sI8s8sIQ",
        *(name, len(name) + 2, entry.kind, 1, _FREE, entry.right, entry.child, bytes(16), 0, bytes(8), bytes(8)),
        *(entry.start, len(entry.content)),
    )


def compound_file(tree: Tree) -> bytes:
    """A compound file with these storages and streams."""
    writer = _Writer()
    writer.storage("Root Entry", tree, 5)
    return writer.file()


def text(tag: str, value: str) -> dict[str, bytes]:
    return {f"__substg1.0_{tag}001F": value.encode("utf-16-le")}


def a_message(
    *,
    subject: str = "Invitation",
    sender: str = "consultations@department.example",
    to: Sequence[str] = (),
    cc: Sequence[str] = (),
    bcc: Sequence[str] = (),
    body: str = "Please come.",
    html: str = "",
    headers: str = "",
    files: Mapping[str, "bytes | Tree"] | None = None,
    names: Mapping[str, str] | None = None,
) -> dict[str, "bytes | Tree"]:
    """The tree of a message; a file that is a tree is a message inside it."""
    tree: dict[str, bytes | Tree] = {
        "__properties_version1.0": bytes(32),
        **text("0037", subject),
        **text("5D01", sender),
        **text("1000", body),
    }
    if html:
        tree["__substg1.0_10130102"] = html.encode("cp1252")
    if headers:
        tree |= text("007D", headers)
    people = [(kind, who) for kind, some in ((1, to), (2, cc), (3, bcc)) for who in some]
    for number, (kind, who) in enumerate(people):
        fixed = bytes(8) + struct.pack("<HHIII", 0x0003, 0x0C15, 6, kind, 0)
        address = text("39FE", who) if "@" in who else text("3003", who)
        called = text("3001", (names or {}).get(who, "Somebody"))
        tree[f"__recip_version1.0_#{number:08X}"] = {"__properties_version1.0": fixed, **address, **called}
    for number, (name, content) in enumerate((files or {}).items()):
        data = (
            {"__substg1.0_3701000D": content} if not isinstance(content, bytes) else {"__substg1.0_37010102": content}
        )
        attachment: Tree = {"__properties_version1.0": bytes(8), **text("3707", name), **data}
        tree[f"__attach_version1.0_#{number:08X}"] = attachment
    return tree
