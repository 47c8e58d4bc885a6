"""Reports of one moment, written where they were asked for."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tui.folder import Folder
from tui.ledger import Server
from tui.report.evidence import Chain, lines
from tui.report.figures import Figures, figures
from tui.report.page import page
from tui.report.table import table
from tui.report.whereabouts import note, register_of, tell_others, written_now
from tui.report.writing import Kind, must_be_writable, write


@dataclass(frozen=True, slots=True)
class Produced:
    """The figures, and the seal of the evidence where that was written. `unnoted` says, of what names people, where its
    place could not be noted, so that `forget` will not ask for it: here, or at another desk."""

    figures: Figures
    seal: str | None
    unnoted: tuple[str, ...] = ()

    @property
    def caution(self) -> str:
        """What is to be said of `unnoted`, "" where there is nothing."""
        where = " and ".join(self.unnoted)
        return where and f"Where it lies cannot be noted {where}: `forget` will not ask for it."


def produce(folder: Folder, paths: Mapping[Kind, Path], *, anonymous: bool) -> Produced:
    """Writes these reports, all of the same state of the ledger. InputError, with none written, where one of the paths
    is no place for it."""
    for kind, path in paths.items():
        must_be_writable(path, kind, folder.ledger_path)
    chain = Chain()
    with folder.chronicle() as chronicle:
        made = figures(folder, chronicle, anonymous=anonymous)
        contents: dict[Kind, Iterable[bytes]] = {
            "html": page(made),
            "csv": table(made),
            "evidence": lines(chronicle, made.about, chain, anonymous=anonymous),
        }
        for kind, path in paths.items():
            write(path, contents[kind])
    unnoted = () if anonymous else tuple(_unnoted(folder, paths))
    return Produced(made, chain.seal if "evidence" in paths else None, unnoted)


def _unnoted(folder: Folder, paths: Mapping[Kind, Path]) -> Iterator[str]:
    """Notes where they are; where that is not possible, in words."""
    new, where = written_now(paths), folder.ledger_path
    if not note(register_of(folder.event_path), new):
        yield f"beside {folder.event_path}"
    if isinstance(where, Server) and not tell_others(where, folder.desk, new):
        yield f"in the ledger {where.shown}"
