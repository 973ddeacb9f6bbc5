"""What percept does to the process that it is in."""

import os
import signal
import subprocess
import sys
import textwrap
import time

import pytest
from pictures import rgb, save_png


def run(code, *arguments, **options):
    code = textwrap.dedent(code)
    return subprocess.Popen([sys.executable, "-c", code, *map(str, arguments)], stdout=-1, stderr=-1, text=True, **options)


def test_files_are_scored_without_numpy_torch_or_pandas(folders):
    code = """
        import sys
        for name in ("numpy", "torch", "pandas", "PIL"):
            sys.modules[name] = None
        import percept
        print(percept.score(sys.argv[1], sys.argv[2], metrics=["psnr-y", "lpips-alex"])["mean"]["psnr-y"] > 20)
        try:
            import percept.torch
        except ImportError as missing:
            print(missing)
    """
    process = run(code, folders[1], folders[0])
    said, errors = process.communicate()
    assert said.splitlines() == ["True", "percept.torch needs PyTorch; install it with `pip install torch`"], errors


@pytest.mark.skipif(os.name == "nt", reason="signals are Unix's")
def test_ctrl_c_ends_long_work(tmp_path):
    for at in range(200):
        save_png(tmp_path / f"{at}.png", rgb(128, 128, at))
    code = """
        import signal, sys, percept
        # What a shell starts in the background ignores Ctrl-C, and Python with it.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        print("begun", flush=True)
        try:
            percept.score(sys.argv[1], sys.argv[1], metrics=["lpips-vgg"])
        except KeyboardInterrupt:
            print("interrupted")
    """
    process = run(code, tmp_path)
    assert process.stdout.readline() == "begun\n"
    time.sleep(1)
    assert process.poll() is None, process.communicate()
    asked = time.monotonic()
    process.send_signal(signal.SIGINT)
    said, errors = process.communicate(timeout=60)
    assert (said, process.returncode) == ("interrupted\n", 0), errors
    assert time.monotonic() - asked < 20
