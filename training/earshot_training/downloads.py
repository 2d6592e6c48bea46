"""Downloads of large files over HTTP: they resume, and what arrives is checked before it gets its name.

`fetch` writes to `NAME.partial` beside the destination and renames it when it is whole and right. A later
call goes on where the last one stopped, if the server still has the same file (its ETag or date, kept in
`NAME.partial.json`, says so) and answers range requests; else it starts over.
"""

import hashlib
import http.client
import json
import os
import re
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import urlsplit

from earshot_training.errors import MendableError

BLOCK = 1 << 20  # bytes read at a time
ATTEMPTS = 5  # in a row without a new byte
TIMEOUT = 60.0  # seconds without an answer
PASSING = (408, 425, 429, 500, 502, 503, 504)  # HTTP answers that may be another one a little later

Progress = Callable[[int, int | None], None]  # bytes so far, bytes in all (None: the server does not say)


class DownloadError(MendableError):
    """A file could not be had: the address is wrong, or the server fails again and again."""


class MismatchError(DownloadError):
    """A file is not the one that was asked for: another size or another hash."""


@dataclass(frozen=True)
class Expected:
    """What is known about a file; None for what is not. Hashes are hexadecimal."""

    size: int | None = None  # bytes
    sha256: str | None = None
    sha1: str | None = None
    sha256_prefix: str | None = None

    def check(self, path: Path, name: str | None = None) -> None:
        """Raises MismatchError, with what was expected and what was found, if the file differs."""
        name = name or path.name
        if self.size is not None and path.stat().st_size != self.size:
            raise MismatchError(f"{name} should have {self.size:,} bytes but has {path.stat().st_size:,}")
        checks = (("sha256", self.sha256), ("sha256", self.sha256_prefix), ("sha1", self.sha1))
        wanted = [(algorithm, value.lower()) for algorithm, value in checks if value]
        found = file_hashes(path, {algorithm for algorithm, _ in wanted})
        for algorithm, value in wanted:
            if not found[algorithm].startswith(value):
                start = " starting with" if value is self.sha256_prefix or len(value) < 40 else ""
                raise MismatchError(
                    f"{name} should have {algorithm.upper()}{start} {value} but has {found[algorithm]}"
                )


def fetch(
    url: str,
    destination: str | Path,
    sha256: str | None = None,
    sha1: str | None = None,
    sha256_prefix: str | None = None,
    size: int | None = None,
    *,
    attempts: int = ATTEMPTS,
    timeout: float = TIMEOUT,
    pause: float = 1.0,
    progress: Progress | None = None,
) -> Path:
    """Downloads `url` to the file `destination` and returns its path; a file that is there and right is kept.

    `sha256_prefix`: the first digits of the SHA-256, as `hub_prefix` finds them in a file's name. After a cut
    the download goes on where it stopped; `attempts` of them in a row without a new byte are too many, and
    `pause` seconds (doubled each time) lie between. Raises MismatchError where the size or a hash differs,
    DownloadError for everything else. What arrived before a cut is kept for the next call.
    """
    destination = Path(destination)
    try:
        scheme = urlsplit(url).scheme
    except ValueError as error:
        raise DownloadError(f"{url} is no address: {error}") from None
    if scheme not in ("http", "https"):
        raise DownloadError(f"{url} should start with http:// or https://")
    expected = Expected(size, sha256, sha1, sha256_prefix)
    if destination.exists():
        try:
            expected.check(destination, str(destination))
        except MismatchError as error:
            raise MismatchError(f"{error}; delete it to download it again") from None
        return destination
    destination.parent.mkdir(parents=True, exist_ok=True)
    partial = _Partial(destination, url)
    failures = 0
    while True:
        before = partial.size
        try:
            if _receive(url, partial, expected, timeout, progress):
                break
            problem = f"the connection ended after {partial.size:,} of {partial.version.total:,} bytes"
        except urllib.error.HTTPError as error:
            problem = f"the server answered {error.code} {error.reason}"
            if error.code not in PASSING:
                raise DownloadError(f"{url}: {problem}") from None
        except (OSError, http.client.HTTPException) as error:
            if isinstance(error, OSError) and error.filename:  # the disk, not the network
                raise DownloadError(f"{error.filename}: {error.strerror}") from error
            problem = str(getattr(error, "reason", None) or error or type(error).__name__)
        failures = 1 if partial.size > before else failures + 1
        if failures >= attempts:
            kept = f"; the first {partial.size:,} bytes are kept" if partial.size else ""
            raise DownloadError(f"{url}: {problem}, {attempts} times in a row{kept}")
        time.sleep(pause * 2 ** (failures - 1))
    try:
        expected.check(partial.path, destination.name)
    except MismatchError as error:
        partial.drop()
        raise MismatchError(f"{url}: {error}") from None
    partial.finish(destination)
    return destination


def hub_prefix(name: str) -> str | None:
    """The start of a file's SHA-256 that its name ends with, as PyTorch's hub has it: "net-3e41cc8a.pth".

    A date, "net-20210610.pth", is none.
    """
    match = re.search(r"-([0-9a-f]{8,64})\.[^.]+$", name)
    return match.group(1) if match and not re.fullmatch(r"20\d{6}", match.group(1)) else None


def file_hashes(path: Path, algorithms: set[str]) -> dict[str, str]:
    """Hexadecimal digests of a file by algorithm ("sha256", "sha1"), in one reading."""
    digests = {algorithm: hashlib.new(algorithm) for algorithm in algorithms}
    if digests:
        with path.open("rb") as file:
            while block := file.read(BLOCK):
                for digest in digests.values():
                    digest.update(block)
    return {algorithm: digest.hexdigest() for algorithm, digest in digests.items()}


@dataclass(frozen=True)
class _Version:
    """Which file of the server a partial download is of. `validator`: its ETag or Last-Modified, or ""."""

    url: str
    validator: str = ""
    total: int | None = None


class _Partial:
    """The bytes that have arrived so far, and what they are part of."""

    def __init__(self, destination: Path, url: str):
        self.path = destination.with_name(destination.name + ".partial")
        self.note = destination.with_name(destination.name + ".partial.json")
        self.version = _Version(url)
        try:
            noted = _Version(**json.loads(self.note.read_text()))
        except (OSError, ValueError, TypeError):
            noted = None
        if noted and noted.url == url:
            self.version = noted
        else:
            self.drop()

    @property
    def size(self) -> int:
        return self.path.stat().st_size if self.path.exists() else 0

    def begin(self, version: _Version) -> None:
        """Throws away what is there: the file starts anew, as another version perhaps."""
        self.drop()
        self.version = version
        self.note.write_text(json.dumps(asdict(version)))

    def drop(self) -> None:
        self.path.unlink(missing_ok=True)
        self.note.unlink(missing_ok=True)

    def finish(self, destination: Path) -> None:
        os.replace(self.path, destination)
        self.note.unlink(missing_ok=True)


def _receive(
    url: str, partial: _Partial, expected: Expected, timeout: float, progress: Progress | None
) -> bool:
    """One request. Appends what arrives to the partial file; tells whether the file is whole now."""
    offset = partial.size
    if offset and offset == partial.version.total:
        return True
    headers = {"Accept-Encoding": "identity", "User-Agent": "earshot-training"}
    if offset:
        headers["Range"] = f"bytes={offset}-"
        if partial.version.validator:
            headers["If-Range"] = partial.version.validator
    try:
        response = urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=timeout)
    except urllib.error.HTTPError as error:
        if error.code != 416:
            raise
        partial.drop()  # the server's file ends before ours: another file by now
        return _receive(url, partial, expected, timeout, progress)
    with response:
        version = _version_of(url, response)
        if response.status == 206 and (_range_start(response), version) != (offset, partial.version):
            if not offset:
                raise DownloadError(f"{url}: asked for the whole file but was sent a part of it")
            partial.drop()  # a part of another version: of no use
            return _receive(url, partial, expected, timeout, progress)
        if response.status != 206:
            _check_answer(url, response, version, expected)
            partial.begin(version)
        with partial.path.open("ab") as file:
            received = file.tell()
            while block := response.read(BLOCK):
                file.write(block)
                received += len(block)
                if progress:
                    progress(received, version.total)
            file.flush()
            os.fsync(file.fileno())
    # Without a length only a body in chunks shows its end, and http.client reports one that lacks it.
    return version.total is None or received == version.total


def _version_of(url: str, response: http.client.HTTPResponse) -> _Version:
    etag = response.headers.get("ETag", "")
    # A weak ETag promises the same meaning, not the same bytes: it may not be used for ranges.
    validator = etag if etag and not etag.startswith("W/") else response.headers.get("Last-Modified", "")
    length = response.headers.get("Content-Length")
    if response.status == 206:
        length = response.headers.get("Content-Range", "").rpartition("/")[2]
    return _Version(url, validator, int(length) if length and length.isdigit() else None)


def _range_start(response: http.client.HTTPResponse) -> int | None:
    match = re.match(r"bytes (\d+)-", response.headers.get("Content-Range", ""))
    return int(match.group(1)) if match else None


def _check_answer(
    url: str, response: http.client.HTTPResponse, version: _Version, expected: Expected
) -> None:
    """Refuses, before anything is read, what cannot be the file."""
    if expected.size is not None and version.total not in (None, expected.size):
        raise MismatchError(f"{url} should have {expected.size:,} bytes but the server has {version.total:,}")
    if response.headers.get_content_type() == "text/html" and not urlsplit(url).path.endswith(
        (".html", ".htm")
    ):
        raise DownloadError(f"{url}: expected a file but found a web page; the address may have moved")
