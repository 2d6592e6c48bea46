import hashlib
import http.server
import threading

import pytest

from earshot_training.downloads import DownloadError, MismatchError, fetch, hub_prefix

CONTENT = bytes(range(256)) * 1_000
SHA256, SHA1 = hashlib.sha256(CONTENT).hexdigest(), hashlib.sha1(CONTENT).hexdigest()


class Server(http.server.ThreadingHTTPServer):
    """Serves one file, badly where it is told to. `asked`: the Range header of every request."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.content, self.etag = CONTENT, '"one"'
        self.ranges, self.content_type = True, "application/octet-stream"
        self.cuts: list[int] = []  # bytes sent by the first answers before the connection ends
        self.failures: list[int] = []  # statuses of the first answers
        self.asked: list[str | None] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/weights.pth"


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        server, wanted = self.server, self.headers.get("Range")
        server.asked.append(wanted)
        if server.failures:
            self.send_error(server.failures.pop(0))
            return
        if self.path != "/weights.pth":
            self.send_error(404)
            return
        start = 0
        if wanted and server.ranges and self.headers.get("If-Range") in (None, server.etag):
            start = int(wanted.removeprefix("bytes=").rstrip("-"))
            if start >= len(server.content):
                self.send_error(416)
                return
            self.send_response(206)
            end = len(server.content)
            self.send_header("Content-Range", f"bytes {start}-{end - 1}/{end}")
        else:
            self.send_response(200)
        body = server.content[start:]
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Type", server.content_type)
        if server.etag:
            self.send_header("ETag", server.etag)
        self.end_headers()
        self.wfile.write(body[: server.cuts.pop(0)] if server.cuts else body)

    def log_message(self, *arguments):
        pass


@pytest.fixture
def server():
    server = Server()
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()


def get(server, folder, **options):
    return fetch(server.url, folder / "deep" / "weights.pth", pause=0.001, **options)


def left_over(folder):
    return sorted(path.name for path in (folder / "deep").iterdir())


def test_a_file_arrives_whole_under_its_name_alone(server, tmp_path):
    heard = []
    path = get(
        server, tmp_path, sha256=SHA256, sha1=SHA1, sha256_prefix=SHA256[:8], size=len(CONTENT),
        progress=lambda received, total: heard.append((received, total)),
    )  # fmt: skip
    assert path.read_bytes() == CONTENT and left_over(tmp_path) == ["weights.pth"]
    assert heard[-1] == (len(CONTENT), len(CONTENT))


def test_a_cut_connection_goes_on_where_it_stopped(server, tmp_path):
    server.cuts = [100_000, 50_000]
    assert get(server, tmp_path, sha256=SHA256).read_bytes() == CONTENT
    assert server.asked == [None, "bytes=100000-", "bytes=150000-"]


def test_a_later_call_goes_on_where_the_last_one_stopped(server, tmp_path):
    server.cuts = [100_000]
    with pytest.raises(DownloadError, match=r"ended after 100,000 of 256,000 bytes.*100,000 bytes are kept"):
        get(server, tmp_path, attempts=1)
    assert left_over(tmp_path) == ["weights.pth.partial", "weights.pth.partial.json"]
    assert get(server, tmp_path).read_bytes() == CONTENT
    assert server.asked == [None, "bytes=100000-"]


def test_a_server_without_ranges_sends_all_of_it_again(server, tmp_path):
    server.ranges, server.cuts = False, [100_000]
    assert get(server, tmp_path, sha256=SHA256).read_bytes() == CONTENT
    assert server.asked == [None, "bytes=100000-"]


def test_another_version_of_the_file_is_never_glued_to_the_first(server, tmp_path):
    server.cuts = [100_000]
    with pytest.raises(DownloadError):
        get(server, tmp_path, attempts=1)
    server.content, server.etag = CONTENT[::-1], '"two"'
    assert get(server, tmp_path).read_bytes() == CONTENT[::-1]


@pytest.mark.parametrize("content", (CONTENT[:60_000], CONTENT + b"more"))
def test_without_an_etag_another_length_shows_another_version(server, tmp_path, content):
    server.etag, server.cuts = "", [100_000]
    with pytest.raises(DownloadError):
        get(server, tmp_path, attempts=1)
    server.content = content
    assert get(server, tmp_path).read_bytes() == content


def test_a_busy_server_is_asked_again_and_a_missing_file_is_not(server, tmp_path):
    server.failures = [503, 429]
    assert get(server, tmp_path).read_bytes() == CONTENT
    with pytest.raises(DownloadError, match="missing: the server answered 404"):
        fetch(server.url.replace("weights.pth", "missing"), tmp_path / "missing")
    assert len(server.asked) == 4


def test_a_server_that_keeps_failing_is_given_up(server, tmp_path):
    server.failures = [500] * 9
    with pytest.raises(DownloadError, match=r"answered 500 .*, 3 times in a row"):
        get(server, tmp_path, attempts=3)
    assert len(server.asked) == 3


def test_nobody_at_the_address_is_said_so(tmp_path):
    server = Server()
    server.server_close()
    with pytest.raises(DownloadError, match="refused, 2 times in a row"):
        get(server, tmp_path, attempts=2)


@pytest.mark.parametrize("wanted", ({"sha256": "0" * 64}, {"sha1": "0" * 40}, {"sha256_prefix": "3e41cc8a"}))
def test_a_wrong_hash_is_refused_with_both_and_leaves_nothing(server, tmp_path, wanted):
    (kind, value), found = next(iter(wanted.items())), SHA1 if "sha1" in wanted else SHA256
    with pytest.raises(MismatchError, match=f"{kind.split('_')[0].upper()}.* {value} but has {found}"):
        get(server, tmp_path, **wanted)
    assert left_over(tmp_path) == []


def test_a_wrong_size_is_refused_before_anything_is_read(server, tmp_path):
    with pytest.raises(MismatchError, match="should have 7 bytes but the server has 256,000"):
        get(server, tmp_path, size=7)
    assert left_over(tmp_path) == []


def test_a_web_page_is_not_taken_for_a_file(server, tmp_path):
    server.content_type = "text/html; charset=utf-8"
    with pytest.raises(DownloadError, match="found a web page"):
        get(server, tmp_path)


def test_a_file_that_is_there_is_kept_if_it_is_right_and_never_overwritten(server, tmp_path):
    path = get(server, tmp_path)
    assert get(server, tmp_path, sha256=SHA256) == path and len(server.asked) == 1
    with pytest.raises(MismatchError, match="delete it to download it again"):
        get(server, tmp_path, size=5)
    assert path.read_bytes() == CONTENT


def test_only_web_addresses_are_fetched(tmp_path):
    with pytest.raises(DownloadError, match="http:// or https://"):
        fetch("file:///etc/hosts", tmp_path / "hosts")
    with pytest.raises(DownloadError, match="is no address: Invalid IPv6 URL"):
        fetch("http://[bad/x", tmp_path / "x")


def test_the_hash_in_a_file_s_name_is_found():
    assert hub_prefix("ig_resnext101_32x48-3e41cc8a.pth") == "3e41cc8a"
    assert hub_prefix("vggish-10086976.pth") == "10086976"
    assert hub_prefix("vggish-20210610.pth") is None  # a date
    for name in ("H.pth.tar", "densenet161_places365.pth.tar", "r2plus1d-34.pth"):
        assert hub_prefix(name) is None
