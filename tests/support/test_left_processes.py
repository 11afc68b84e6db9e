"""What a test leaves running is ended after it."""

import os
import subprocess
import sys

import pytest
from tests.support.left_processes import none_left

ALONE = "input()"
WITH_ANOTHER = """
import subprocess, sys
subprocess.Popen(['sleep', '600'], pass_fds=[int(sys.argv[1])])
print('begun', flush=True)
input()
"""


def failing_test(code, held):
    with none_left():
        process = subprocess.Popen(
            [sys.executable, "-c", code, str(held)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            pass_fds=[held],
            start_new_session=code is WITH_ANOTHER,
        )
        if code is WITH_ANOTHER:
            assert process.stdout.readline() == b"begun\n"
        raise TimeoutError(process)


@pytest.mark.parametrize("code", [ALONE, WITH_ANOTHER])
def test_a_failure_leaves_neither_a_process_nor_a_pipe(code):
    """As where a test waits in vain: of a session of its own, all that is in it."""
    seen, held = os.pipe()
    with pytest.raises(TimeoutError) as caught:
        failing_test(code, held)
    os.close(held)
    assert os.read(seen, 1) == b""  # nobody holds its other end any more
    os.close(seen)
    (process,) = caught.value.args
    assert process.returncode == -9
    assert process.stdin.closed
    assert process.stdout.closed


def test_what_ran_before_goes_on():
    process = subprocess.Popen([sys.executable, "-c", ALONE], stdin=subprocess.PIPE)
    with none_left():
        subprocess.run(["true"], check=True)
    assert process.poll() is None
    process.communicate(b"\n")
    assert process.returncode == 0
