"""Cases 25 to 41, what is where the log should be, and who may do what: those that no test of the log shows."""

import os
import subprocess
from pathlib import Path

import pytest
from cli.support import EVCLI, untouched
from conftest import Cli

from evcli.log.file.engine import FileLog
from faults.casebook import EVE, process, says
from faults.common import needs


@pytest.mark.case(28)
@pytest.mark.parametrize(
    ("target", "said"),
    [("/dev/zero", "is a device"), ("/dev/null", "is a device"), ("events.jsonl", "cannot be opened")],
)
def test_a_link_to_a_device_or_to_itself_is_refused_at_once(cli: Cli, target: str, said: str) -> None:
    cli.log.symlink_to(target)
    for words in (("log",), ("verify",), ("repair",), EVE):
        says(cli(*words), 14, said)


@pytest.mark.case(31)
@pytest.mark.parametrize("rights", [0o666, 0o602])
def test_a_log_that_all_may_write_is_only_read(story: Cli, rights: int) -> None:
    story.log.chmod(rights)
    with untouched(story.log.parent):
        says(story(*EVE), 14, "is world-writable", "chmod o-w")
        says(story("log"), 0, "is world-writable")
    story.log.chmod(0o600)


@pytest.mark.case(32)
@pytest.mark.parametrize("words", [EVE, ("user", "destroy", "1", "2")])
def test_a_torn_tail_stays_in_a_folder_that_may_not_be_written(
    story: Cli, tmp_path: Path, words: tuple[str, ...]
) -> None:
    """No copy of the tail can be made there, so it is not cut off."""
    torn = tmp_path / "closed" / "events.jsonl"
    torn.parent.mkdir()
    torn.write_bytes(story.log.read_bytes() + b'{"specversion":"1.0","id":"half')
    torn.parent.chmod(0o500)
    try:
        with untouched(torn.parent):
            says(process(*words, log=torn, without_root_rights=True), 14, "nothing was written")
    finally:
        torn.parent.chmod(0o700)


READ_ONLY = 'mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" && cd "$0" && exec "$@"'


@needs("unshare")
@pytest.mark.case(33)
def test_a_log_on_a_read_only_mount_is_only_read(story: Cli, tmp_path: Path) -> None:
    command = ("unshare", "-rm", "sh", "-c", READ_ONLY, str(tmp_path), *EVCLI)
    ran = process("head", log=story.log, command=command)
    if b"unshare" in ran.err or b"mount" in ran.err:
        pytest.skip(f"no mount of one's own here: {ran.err.decode().strip()}")
    assert ran.out.startswith(b"8:")
    says(process("verify", log=story.log, command=command), 0)
    says(process(*EVE, log=story.log, command=command), 14, "Read-only file system", "nothing was written")
    says(process(*EVE, log=tmp_path / "new.jsonl", command=command), 14, "nothing was written")


@needs("chattr")
@pytest.mark.case(33)
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a file immutable")
@pytest.mark.parametrize(("attribute", "code"), [("i", 14), ("a", 0)])
def test_an_immutable_log_is_read_and_an_append_only_one_written(story: Cli, attribute: str, code: int) -> None:
    if subprocess.run(["chattr", f"+{attribute}", story.log], capture_output=True, check=False).returncode:
        pytest.skip("this file system has no such attributes")
    try:
        says(story(*EVE), code)
        story.ok("verify")
    finally:
        subprocess.run(["chattr", f"-{attribute}", story.log], check=True)


@needs("faketime")
@pytest.mark.case(37)
@pytest.mark.parametrize("by", ["-10d", "+10y"])
def test_a_writer_with_another_clock_waits_for_the_lock_all_the_same(story: Cli, by: str) -> None:
    with FileLog(str(story.log)).locked(0, may_create=False):
        command = ("faketime", "-f", by, *EVCLI)
        says(process(*EVE, "--lock-wait", "0.2", log=story.log, command=command), 11, "is locked")
