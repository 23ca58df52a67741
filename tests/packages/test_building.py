"""What conf/package makes: lintian's opinion, and whether it makes it again."""

import hashlib
import os
import platform
import shutil
import subprocess

from harness.paths import PROJECT


def digests(directory):
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in directory.rglob("*.deb")}


def test_lintian_finds_nothing(packages):
    """Errors and warnings of the release's own lintian; an override would say why."""
    here = packages.release == platform.freedesktop_os_release()["VERSION_CODENAME"]
    there = [] if here else [PROJECT / "conf/root", f"{packages.release}-package", "lintian", "--"]
    files = [*packages.files, *(packages.directory / "dbgsym").glob("*.deb")]
    done = subprocess.run([*there, "lintian", "--allow-root", "--fail-on", "error,warning", *files], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_same_sources_make_the_same_bytes(packages, tmp_path):
    """Built again in another place, at another time, with nothing taken from the first build."""
    copy = tmp_path / "elsewhere"
    listed = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=PROJECT, capture_output=True, check=True)
    for name in listed.stdout.decode().split("\0"):
        if name and (PROJECT / name).exists():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(PROJECT / name, copy / name)
    subprocess.run(["git", "init", "--quiet", copy], check=True)
    (copy / "build").mkdir()
    (copy / "build/roots").symlink_to(PROJECT / "build/roots")
    done = subprocess.run([copy / "conf/package", packages.release], capture_output=True, text=True, cwd=copy, env={**os.environ, "CCACHE_DIR": str(copy / "build/ccache")})
    assert done.returncode == 0, done.stdout + done.stderr
    assert digests(copy / "build/packages" / packages.release) == digests(packages.directory)
