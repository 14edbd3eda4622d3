"""What the script needs to filter rows and to compare any two: families of rows, and the claims that the board made.

The script computes no statistics. Every difference, interval and p-value is that of ``claims`` and ``difference``.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Any

from mribench.board import columns
from mribench.board.boards import Board
from mribench.board.claims import Claim
from mribench.board.differences import Difference, difference
from mribench.board.html.values import BoardView
from mribench.board.rows import Address, Row
from mribench.board.short import psnr

Json = dict[str, Any]


def for_script(boards: Sequence[Board], views: Sequence[BoardView]) -> Json:
    """JSON-serialisable.

    ``rows``: variant and sampler of each trained row, by its name. ``boards``: of each board its anchor, title and

    - numbers: titles of the numbers that are compared, those that decide first
    - deciding: how many of them decide
    - ranked: names of the rows of which anything may be claimed, copies of one set of outputs as one
    - same: name of the ranked row whose outputs a copy shares, by name of the copy
    - unranked: why nothing is claimed of the other rows, by name
    - pairs: of each pair of ``ranked`` in order: p after the correction; the outcome, see ``_outcome``; then
      difference, half of its 95 % interval and p of each number, or null
    """
    rows = {row.name: [row.method, row.sampler] for view in views for row in view.trained}
    return {
        "rows": rows,
        "boards": [_board(board, view) for board, view in zip(boards, views, strict=True)],
    }


def _board(board: Board, view: BoardView) -> Json:
    deciding = board.claim_addresses
    beside = psnr(board)
    addresses = [*deciding, *([beside] if beside else [])]
    copies = {name: entry[0] for entry in board.ranking.copies for name in entry[1:]}
    rows = {row.name: row for row in board.trained}
    reasons = {name: board.ranks[name].reason for name in rows}
    ranked = [row.name for row in view.trained if reasons[row.name] is None and row.name not in copies]
    claims = {frozenset((claim.first, claim.second)): claim for claim in board.ranking.claims}
    return {
        "id": view.id,
        "title": view.title,
        "numbers": [columns.title(board, address) for address in addresses],
        "deciding": len(deciding),
        "ranked": ranked,
        "same": copies,
        "unranked": {name: reason for name, reason in reasons.items() if reason},
        "pairs": [
            _pair(rows[a], rows[b], claims.get(frozenset((a, b))), deciding, beside)
            for a, b in combinations(ranked, 2)
        ],
    }


def _pair(
    one: Row, other: Row, claim: Claim | None, deciding: Sequence[Address], beside: Address | None
) -> list[float | None]:
    if claim is None:
        return []
    known = {d.address: d for d in claim.differences}
    if beside and (found := difference(one, other, beside)):
        known[beside] = found
    numbers: list[float | None] = [_short(claim.p), _outcome(claim, one, other)]
    for address in (*deciding, *([beside] if beside else [])):
        numbers += _difference(known.get(address), one.name)
    return numbers


def _outcome(claim: Claim, one: Row, other: Row) -> int:
    """1: the first row is ahead; 2: the second is; 0: not told apart.

    Significant, and yet nothing is claimed: 3, because nothing says what another training would give; 4, because of
    what else is doubted (``Claim.doubt``).
    """
    if claim.doubt:
        return 4 if all(d.knows_training for d in claim.differences) else 3
    return {one.name: 1, other.name: 2}.get(claim.ahead or "", 0)


def _difference(found: Difference | None, first: str) -> list[float | None]:
    """Difference, half of its interval, p; turned round where it was asked the other way."""
    if found is None:
        return [None, None, None]
    sign = 1 if found.first == first else -1
    return [_short(sign * found.value), _short((found.high - found.low) / 2), _short(found.p, 2)]


def _short(value: float, digits: int = 3) -> float:
    """There are thousands of them on a page."""
    return float(f"{value:.{digits}g}") if abs(value) >= 1e-6 else 0
