"""Bytes pass through the server without being held in its memory: a process, looked at from outside."""

import hashlib
import re
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

TOKEN = "pat-owner-0123456789"
SEED = f"sage: {{users: [{{id: 3000001, userName: owner, tokens: [{TOKEN}]}}]}}\n"
PROGRAM = """
import sys
from pathlib import Path
from reconciler.backend.serve import serve
sys.exit(serve("127.0.0.1:0", Path(sys.argv[1]), Path(sys.argv[2]), sys.stdout))
"""
MEBIBYTE = 1 << 20
PART = 100 * MEBIBYTE
PARTS = 3
ALLOWED_GROWTH = 64 * MEBIBYTE  # about 35 are usual


@pytest.fixture
def server(tmp_path):
    (tmp_path / "seed.yaml").write_text(SEED)
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, tmp_path / "store", tmp_path / "seed.yaml"], stdout=subprocess.PIPE, text=True
    )
    yield process
    process.kill()
    process.communicate()


def peak(process):
    """Most memory that a process ever had, in bytes."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) * 1024


def pieces(part):
    return (bytes([part]) * MEBIBYTE for _ in range(PART // MEBIBYTE))


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the memory of a process is read from /proc")
def test_upload_and_download_of_300_mib_need_little_memory(server):
    url = re.search(r"http://\S+", server.stdout.readline())[0]
    sums = [hashlib.md5(bytes([part]) * PART).hexdigest() for part in range(1, PARTS + 1)]
    whole = hashlib.md5()
    for part in range(1, PARTS + 1):
        whole.update(bytes([part]) * PART)
    body = {"fileName": "f", "fileSizeBytes": PART * PARTS, "contentMD5Hex": whole.hexdigest(), "partSizeBytes": PART}
    headers = {"Authorization": f"Bearer {TOKEN}"}
    with httpx.Client(base_url=f"{url}/file/v1", headers=headers, timeout=120) as client:
        client.get("/fileHandle/1")
        before = peak(server)
        upload = client.post("/file/multipart", json=body).json()["uploadId"]
        numbers = {"partNumbers": list(range(1, PARTS + 1))}
        asked = client.post(f"/file/multipart/{upload}/presigned/url/batch", json=numbers).json()["partPresignedUrls"]
        for one, md5 in zip(asked, sums, strict=True):
            length = {"Content-Length": str(PART)}
            httpx.put(one["uploadPresignedUrl"], content=pieces(one["partNumber"]), headers=length, timeout=120)
            added = client.put(f"/file/multipart/{upload}/add/{one['partNumber']}?partMD5Hex={md5}").json()
            assert added["addPartState"] == "ADD_SUCCESS"
        handle = client.put(f"/file/multipart/{upload}/complete").json()["resultFileHandleId"]
        found = hashlib.md5()
        with httpx.stream("GET", client.get(f"/fileHandle/{handle}/url?redirect=false").text, timeout=120) as answer:
            for chunk in answer.iter_bytes(MEBIBYTE):
                found.update(chunk)
    assert found.hexdigest() == whole.hexdigest()
    assert peak(server) - before < ALLOWED_GROWTH
