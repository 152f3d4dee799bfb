"""Downloads against a server on this machine: whole, resumed, damaged, unreachable; and where files are looked for."""

import hashlib
import io
import os
import subprocess
import sys
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from data import download
from data.sources.table import EXCERPTS, SOURCES
from tests import data_files as files
from tf_utils.cli import UserError
from tf_utils.files import InUse, held


def archive(name="ml-1m"):
    """The bytes of a small zip archive laid out as GroupLens' are."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        file.writestr(f"{name}/ratings.dat", files.lines(files.RATINGS, "::"))
        file.writestr(f"{name}/movies.dat", "10::A::Drama\n")
    return buffer.getvalue()


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        server = self.server
        start = 0
        if "Range" in self.headers:
            server.ranges.append(self.headers["Range"])
            start = int(self.headers["Range"].removeprefix("bytes=").removesuffix("-"))
        if server.status != 200:
            return self.send_error(server.status)
        if start and not server.knows_ranges:
            start = 0
        if start >= len(server.content):
            return self.send_error(416)
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(server.content) - start))
        self.end_headers()
        self.wfile.write(server.content[start : server.cut])

    def log_message(self, *_):
        pass


@pytest.fixture
def server(monkeypatch, tmp_path):
    """A server for ml-1m.zip; `cut` makes it stop after so many bytes."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.content, server.cut, server.ranges, server.status, server.knows_ranges = archive(), None, [], 200, True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    url = f"http://127.0.0.1:{server.server_port}/ml-1m.zip"
    entry = download.Archive(url, hashlib.md5(server.content).hexdigest())
    monkeypatch.setitem(download.ARCHIVES, "ml-1m", entry)
    monkeypatch.setenv("DATA_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("DATA_DIR", raising=False)
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def listing(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


WHOLE = ["ml-1m/movies.dat", "ml-1m/ratings.dat"]


def test_fetch_unpacks_and_leaves_nothing_else(server, tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    path = download.fetch("ml-1m", folder)
    assert path == folder / "ml-1m/ratings.dat" == download.locate("ml-1m", folder)
    assert path.read_text() == files.lines(files.RATINGS, "::")
    assert listing(folder) == WHOLE


def test_what_is_there_is_not_fetched(server, tmp_path):
    files.write_ml1m(tmp_path / "ml-1m")
    server.status = 500
    assert download.fetch("ml-1m", tmp_path) == tmp_path / "ml-1m/ratings.dat"


def test_without_a_folder_the_cache_is_used(server, tmp_path):
    path = download.fetch("ml-1m")
    assert path == tmp_path / "cache/downloads/ml-1m/ratings.dat" == download.locate("ml-1m")


def test_an_interrupted_download_is_resumed(server, tmp_path):
    server.cut = 100
    with pytest.raises(UserError, match="broke off .*100 of .*; run it again to resume"):
        download.fetch("ml-1m", tmp_path)
    assert listing(tmp_path) == ["ml-1m.zip.part"]
    server.cut = None
    download.fetch("ml-1m", tmp_path)
    assert server.ranges == ["bytes=100-"]
    assert listing(tmp_path) == WHOLE


def test_a_server_without_ranges_starts_over(server, tmp_path):
    (tmp_path / "ml-1m.zip.part").write_bytes(b"x" * 50)
    server.knows_ranges = False
    download.fetch("ml-1m", tmp_path)
    assert listing(tmp_path) == WHOLE


def test_a_part_that_is_already_whole_is_used(server, tmp_path):
    (tmp_path / "ml-1m.zip.part").write_bytes(server.content)
    download.fetch("ml-1m", tmp_path)
    assert listing(tmp_path) == WHOLE


def test_a_wrong_checksum_leaves_nothing(server, tmp_path):
    server.content = server.content[:-1] + b"?"
    with pytest.raises(UserError, match="the download has MD5 [0-9a-f]{32} instead of [0-9a-f]{32}; run it again"):
        download.fetch("ml-1m", tmp_path)
    assert listing(tmp_path) == []


def test_an_incomplete_folder_is_replaced(server, tmp_path):
    (tmp_path / "ml-1m").mkdir()
    (tmp_path / "ml-1m/users.dat").write_text("left over")
    download.fetch("ml-1m", tmp_path)
    assert listing(tmp_path) == WHOLE


def test_another_process_that_fetches_is_told_of(server, tmp_path):
    """A lock is a process's, so the other one is one."""
    holder = "import sys; from pathlib import Path; from tf_utils.files import held\n"
    holder += "with held(Path(sys.argv[1])): print('held', flush=True); sys.stdin.read()"
    environment = os.environ | {"TMPDIR": str(tmp_path)}  # a job's own
    with subprocess.Popen(
        [sys.executable, "-c", holder, str(tmp_path / "ml-1m")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment,
    ) as other:
        other.stdout.readline()
        with pytest.raises(UserError, match="ml-1m: another process is at work there") as caught:
            download.fetch("ml-1m", tmp_path)
        assert not isinstance(caught.value, InUse)  # the caller has its own folder
        assert listing(tmp_path) == []
        other.stdin.close()
    assert download.fetch("ml-1m", tmp_path).is_file()


def test_folders_nest(tmp_path):
    """That the inner one is left must not free the outer one for another process."""
    probe = "import sys; from pathlib import Path; from tf_utils.files import held\n"
    probe += "with held(Path(sys.argv[1])): print('entered')"
    enter = lambda: subprocess.run([sys.executable, "-c", probe, str(tmp_path / "a")], capture_output=True, text=True)  # noqa: E731
    with held(tmp_path / "a"):
        with held(tmp_path / "b"):
            pass
        assert "another process is at work there" in enter().stderr
    assert enter().stdout == "entered\n"


def test_no_network_names_the_manual_way(server, tmp_path, monkeypatch):
    server.status = 404
    with pytest.raises(UserError, match="cannot download http.*404 .*ml-1m/ratings.dat exists, or set DATA_DIR"):
        download.fetch("ml-1m", tmp_path)
    gone = download.Archive("http://127.0.0.1:9/ml-1m.zip", "0")  # the discard port: nothing listens there
    monkeypatch.setitem(download.ARCHIVES, "ml-1m", gone)
    with pytest.raises(UserError) as error:
        download.fetch("ml-1m", tmp_path)
    assert "\n" not in str(error.value) and "cannot download http://127.0.0.1:9/ml-1m.zip" in str(error.value)
    assert listing(tmp_path) == []


def test_the_published_checksums():
    assert download.ARCHIVES["ml-1m"].md5 == "c4d9eecfca2ab87c1945afe126590906"
    assert download.ARCHIVES["ml-100k"].md5 == "0e33842e24a9c977be4e0107933c0723"


def test_what_cannot_be_fetched_or_located_is_told(tmp_path, monkeypatch):
    with pytest.raises(UserError, match="'tianchi' cannot be downloaded by this program; it can fetch ml-100k, ml-1m"):
        download.fetch("tianchi", tmp_path)
    with pytest.raises(UserError, match="unknown source 'x'; known are"):
        download.locate("x", tmp_path)
    monkeypatch.setenv("DATA_DIR", str(tmp_path / "absent"))
    with pytest.raises(UserError, match="absent: no such folder; set DATA_DIR"):
        download.locate("ml-1m")


@pytest.mark.parametrize("name", [*SOURCES, *EXCERPTS])
def test_locate_knows_every_place(tmp_path, monkeypatch, name):
    monkeypatch.setenv("DATA_CACHE", str(tmp_path / "cache"))
    places = SOURCES[name].files if name in SOURCES else EXCERPTS[name]
    for place in reversed(places):  # the first place wins
        assert download.locate(name, tmp_path) != tmp_path / place
        (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / place).write_text("x")
        monkeypatch.setenv("DATA_DIR", str(tmp_path))
        assert download.locate(name) == download.locate(name, tmp_path) == tmp_path / place


def test_an_excerpt_is_never_taken_for_the_data_set(tmp_path, monkeypatch):
    monkeypatch.setenv("DATA_CACHE", str(tmp_path / "cache"))
    files.write_tianchi(tmp_path / EXCERPTS["tianchi_sample"][0])
    files.write_taobao(tmp_path / EXCERPTS["taobao_head"][0])
    assert download.locate("tianchi", tmp_path) is None
    assert download.locate("taobao", tmp_path) is None
