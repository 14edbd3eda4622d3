"""How mribench asks servers: under its own name, and for the size of a file before the file itself."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import metadata
from typing import TYPE_CHECKING

from mribench._version import __version__

if TYPE_CHECKING:
    import requests

# seconds to connect, and between two bytes
TIMEOUT = (20, 60)


def user_agent() -> str:
    """``mribench/<version> (+<homepage>)``, as archives ask of tools; without a homepage, name and version."""
    try:
        links = metadata.metadata("mribench").get_all("Project-URL") or []
    except metadata.PackageNotFoundError:
        links = []
    named = dict(link.split(", ", 1) for link in links)
    home = named.get("Homepage") or named.get("Repository")
    return f"mribench/{__version__} (+{home})" if home else f"mribench/{__version__}"


def open_session() -> requests.Session:
    """A session that says who asks and wants the bytes as they are. Proxies are taken from the environment."""
    import requests

    session = requests.Session()
    session.headers.update({"User-Agent": user_agent(), "Accept-Encoding": "identity"})
    return session


def is_page(answer: requests.Response) -> bool:
    """Whether a web page came, perhaps a login, in place of a file."""
    return answer.headers.get("Content-Type", "").startswith("text/html")


def announced_size(urls: Sequence[str]) -> int | None:
    """Bytes that the first willing server of ``urls`` announces (HEAD), None where none does."""
    import requests

    for url in urls:
        try:
            with open_session() as session:
                answer = session.head(url, allow_redirects=True, timeout=TIMEOUT)
        except (requests.RequestException, ValueError):
            continue
        length = answer.headers.get("Content-Length", "")
        if answer.status_code == 200 and length.isdigit() and int(length) and not is_page(answer):
            return int(length)
    return None
