"""Files of a card that a user downloaded: where they go, and the check against the digest that the source publishes."""

from __future__ import annotations

from pathlib import Path

from mribench import hashing
from mribench.data.cards.card import UNVERIFIED, CardFile, DatasetCard
from mribench.errors import DataError


def can_be_checked(card: DatasetCard) -> bool:
    """Whether the source publishes a digest, sha256 or MD5, of every file of a card that is not downloaded."""
    known = all(file.sha256 != UNVERIFIED or file.md5 for file in card.files)
    return bool(card.files) and known and not card.manual


def found(card: DatasetCard, folder: Path) -> dict[CardFile, Path] | None:
    """Every file of the card with its place, told by its digest and not by its name; None where nothing is there.

    Args:
        card: Whose files they are.
        folder: Where the user put them.

    Raises:
        DataError: Where something is there and a file of the card is missing or another one.
    """
    there = sorted(path for path in folder.glob("*") if path.is_file()) if can_be_checked(card) else []
    if not there:
        return None
    kinds = {digest_of(file)[0] for file in card.files}
    digests = {
        (kind, hashing.file_sha256(path) if kind == "sha256" else hashing.file_md5(path)): path
        for kind in kinds
        for path in there
    }
    for file in card.files:
        kind, expected = digest_of(file)
        if (kind, expected) not in digests:
            got = ", ".join(f"{path.name} has {what} {digits}" for (what, digits), path in digests.items())
            raise DataError(
                f"None of the files in {folder} is {file.url}, whose {kind} is {expected} by the card ({got}); "
                "download it again, or report that it changed at its source."
            )
    return {file: digests[digest_of(file)] for file in card.files}


def digest_of(file: CardFile) -> tuple[str, str]:
    """(kind, hex digits) of the strongest digest that is known; only where ``can_be_checked``."""
    return ("sha256", file.sha256) if file.sha256 != UNVERIFIED else ("MD5", file.md5 or "")


def how_to(card: DatasetCard, downloads: Path, folder: Path) -> str:
    """One sentence: why nothing is downloaded, what to get, where to put it."""
    said = f"{card.id} is not downloaded by mribench (access {card.access}: {card.how_to_apply}); "
    put = f"put the files into {folder}."
    if not can_be_checked(card):
        return f"{said}get it from {card.homepage} and {put}"
    wanted = " and ".join(f"{file.url} ({' '.join(digest_of(file))})" for file in card.files)
    return (
        f"{said}get {wanted}, see {card.homepage}, put it as it is into {downloads} and run the same command again, "
        f"which checks and unpacks it, or unpack it yourself and {put}"
    )
