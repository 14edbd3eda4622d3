"""INT, TERM and HUP: one sentence and 128 + the signal's number, within seconds, and nothing of the work is lost."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mribench import results
from mribench.plugins import lookup

SAID = "interrupted; finished stages are kept, run the same command to go on"
CODES = {"INT": 130, "TERM": 143, "HUP": 129}
# other tests share the cores; what is tested here would otherwise last minutes
SOON = 10
needs_brain = pytest.mark.skipif("brain" not in lookup.names("modalities"), reason="needs the brain's plugin")

# a command that says "ready" and is then busy in one way or another
COMMAND = """
import contextlib, sys, threading, time
from mribench import __main__ as entry, signals
from mribench.cli import app

def ready():
    print("ready", flush=True)

@app.app.command()
def busy():
    {busy}

sys.argv = ["mribench", "busy"]
entry.main()
"""
# minutes in one call of a library, which runs no handler of Python
IN_A_LIBRARY = "import hashlib; ready(); hashlib.pbkdf2_hmac('sha256', b'', b'', 1 << 30)"
A_THREAD_GOES_ON = "threading.Thread(target=time.sleep, args=(60,)).start(); ready(); time.sleep(60)"
SWALLOWED = """
    ready()
    while True:
        with contextlib.suppress(BaseException):
            time.sleep(60)"""
ANOTHER_ERROR = """
    try:
        ready(); time.sleep(60)
    except KeyboardInterrupt:
        raise ImportError("numpy: error while importing its extensions")"""
# Python drops what is raised while an object is freed, and prints it; the interrupt is raised again soon after
DROPPED = """
    class Freed:
        def __del__(self):
            ready(); time.sleep(60)
    one = Freed()
    del one
    try:
        for _ in range(600): time.sleep(0.1)
    finally:
        print("unwound", flush=True)"""
SAVING = """
    with signals.deferred_interrupts() as interrupted:
        ready()
        while not interrupted():
            time.sleep(0.01)
        time.sleep(1.5)
        print("saved", flush=True)"""
FINISHING = """
    with signals.deferred_interrupts():
        ready(); time.sleep(0.5)
    print("the signal was lost", flush=True)
    time.sleep(60)"""


def begin(code, **more):
    words = (
        [sys.executable, "-c", code] if isinstance(code, str) else [sys.executable, "-m", "mribench", *code]
    )
    # where the tests themselves run under nohup, a command must not inherit that HUP is ignored
    more = {"preexec_fn": lambda: signal.signal(signal.SIGHUP, signal.SIG_DFL)} | more
    return subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True, **more
    )


def ended(process, *sent, group=False, pause=0.0):
    """Signals sent one after the other; (exit code, seconds, standard output, lines on standard error)."""
    start = time.monotonic()
    for name in sent:
        (os.killpg if group else os.kill)(process.pid, getattr(signal, f"SIG{name}"))
        time.sleep(pause)
    out, err = process.communicate(timeout=100)
    return process.returncode, time.monotonic() - start, out, err.strip().splitlines()


BUSY = {
    "a library": (IN_A_LIBRARY, "TERM"),
    "a thread": (A_THREAD_GOES_ON, "HUP"),
    "an interrupt that is swallowed": (SWALLOWED, "TERM"),
    "an interrupt that is another error": (ANOTHER_ERROR, "INT"),
}


@pytest.mark.parametrize(("busy", "name"), BUSY.values(), ids=BUSY)
def test_a_signal_ends_a_command_whatever_it_does(busy, name):
    process = begin(COMMAND.format(busy=busy))
    assert process.stdout.readline() == "ready\n"
    code, seconds, _, said = ended(process, name)
    assert (code, said) == (CODES[name], [f"mribench: {SAID}"]) and seconds < SOON


def test_an_interrupt_that_python_drops_is_raised_again():
    process = begin(COMMAND.format(busy=DROPPED))
    assert process.stdout.readline() == "ready\n"
    code, seconds, out, said = ended(process, "INT")
    assert (code, out, said) == (130, "unwound\n", [f"mribench: {SAID}"]) and seconds < SOON


def test_a_second_ctrl_c_shows_no_traceback():
    process = begin(COMMAND.format(busy=A_THREAD_GOES_ON))
    assert process.stdout.readline() == "ready\n"
    code, seconds, _, said = ended(process, "INT", "INT", "INT", pause=0.2)
    assert (code, said) == (130, [f"mribench: {SAID}"]) and seconds < SOON


def test_a_step_that_saves_its_state_is_waited_for(name="TERM"):
    process = begin(COMMAND.format(busy=SAVING))
    assert process.stdout.readline() == "ready\n"
    code, seconds, out, said = ended(process, name)
    assert (code, out, said) == (CODES[name], "saved\n", [f"mribench: {SAID}"]) and 1.5 <= seconds < SOON


def test_a_signal_at_the_end_of_a_step_is_not_lost():
    process = begin(COMMAND.format(busy=FINISHING))
    assert process.stdout.readline() == "ready\n"
    code, seconds, out, said = ended(process, "INT")
    assert (code, out, said) == (130, "", [f"mribench: {SAID}"]) and seconds < SOON


def test_nohup_still_ignores_a_closed_terminal():
    code = "import signal; signal.signal(signal.SIGHUP, signal.SIG_IGN)\n" + COMMAND.format(
        busy="ready(); time.sleep(1)"
    )
    process = begin(code)
    assert process.stdout.readline() == "ready\n"
    assert ended(process, "HUP")[0] == 0


@pytest.mark.parametrize("delay", [0.0, 0.05])
def test_ctrl_c_while_the_command_line_is_imported(delay):
    """From the moment that handlers are there; before it, Python itself is starting."""
    process = begin(["data", "list"])
    deadline = time.monotonic() + 30
    while not _catches(process.pid, signal.SIGTERM) and time.monotonic() < deadline:
        time.sleep(0.001)
    time.sleep(delay)
    code, _, _, said = ended(process, "INT")
    assert (code, said) == (130, [f"mribench: {SAID}"]) or (code == 0 and not said)


def _catches(pid, number):
    caught = re.search(r"SigCgt:\s*(\w+)", Path(f"/proc/{pid}/status").read_text())
    return caught and int(caught[1], 16) >> (number - 1) & 1


# real runs at each phase -------------------------------------------------------------------------------------------

RUN = ("run", "--modalities", "brain", "--profile", "smoke", "--controls", "gaussian", "--data", "phantom")
PREPARING = ("run", "--modalities", "brain", "--profile", "quick", "--controls", "gaussian")


def until(process, folder, pattern):
    deadline = time.monotonic() + 150
    while not any(folder.glob(pattern)) and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    assert process.poll() is None, process.communicate()


def left_of(process):
    """Processes of its session that still run."""
    listing = subprocess.run(
        ["ps", "-o", "stat=,args=", "-s", str(process.pid)], capture_output=True, text=True
    )
    return [line for line in listing.stdout.splitlines() if not line.startswith("Z")]


def scores(folder):
    return {results.sort_key(one): one.scores for one in results.read_all([folder])}


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """``whole(jobs)``: the scores of a run that nobody interrupts."""
    known = {}

    def make(jobs):
        if jobs not in known:
            out = tmp_path_factory.mktemp("whole") / "run"
            process = begin([*RUN, "--jobs", jobs, "--out", str(out)])
            _, said = process.communicate(timeout=280)
            assert process.returncode == 0, said
            known[jobs] = scores(out)
        return known[jobs]

    return make


@needs_brain
@pytest.mark.slow
@pytest.mark.parametrize("group", [False, True], ids=["alone", "the group"])
@pytest.mark.parametrize("jobs", ["1", "2"])
@pytest.mark.parametrize("name", CODES)
def test_a_signal_while_preparing(name, jobs, group, tmp_path):
    process = begin([*PREPARING, "--jobs", jobs, "--out", str(tmp_path / "run")])
    until(process, tmp_path, "run")
    time.sleep(2)
    code, seconds, _, said = ended(process, name, group=group)
    assert code == CODES[name] and said[-1].startswith("mribench: interrupted; ") and seconds < SOON, said
    assert not any("Traceback" in line for line in said)
    time.sleep(1)
    assert not left_of(process)


@needs_brain
@pytest.mark.slow
@pytest.mark.parametrize("name", CODES)
def test_a_signal_to_the_group_while_processes_time_the_first_steps(name, tmp_path):
    process = begin([*PREPARING, "--jobs", "2", "--out", str(tmp_path / "run")])
    deadline = time.monotonic() + 60
    while sum("multiprocessing" in line for line in left_of(process)) < 2 and time.monotonic() < deadline:
        time.sleep(0.02)
    time.sleep(1)
    code, seconds, _, said = ended(process, name, group=True)
    assert (code, said) == (CODES[name], [f"mribench: {SAID}"]) and seconds < SOON
    time.sleep(1)
    assert not left_of(process)


@needs_brain
@pytest.mark.slow
@pytest.mark.parametrize("jobs", ["1", "2"])
@pytest.mark.parametrize(
    ("name", "phase"),
    [
        ("TERM", "train/*/log.jsonl"),
        ("HUP", "train/*/best/unet/*.safetensors"),
        ("INT", "train/*/train.json"),
        ("TERM", "train/*/train.json"),
        ("TERM", "outputs/*ddpm*generation*/made.json"),
        ("INT", "outputs/*ddpm*audit*/made.json"),
        ("HUP", "results/*/ddpm*generation*.json"),
    ],
)
def test_a_signal_while_training_producing_or_scoring_is_obeyed_and_the_run_goes_on(
    name, phase, jobs, tmp_path, whole
):
    words = [*RUN, "--jobs", jobs, "--out", str(tmp_path)]
    process = begin(words)
    until(process, tmp_path, phase)
    code, seconds, _, said = ended(process, name)
    assert code == CODES[name] and said[-1].startswith("mribench: "), said
    assert "interrupted" in said[-1] and seconds < 3 * SOON and not any("Traceback" in line for line in said)
    time.sleep(1)
    assert not left_of(process)
    again = begin(words)
    _, said = again.communicate(timeout=280)
    assert again.returncode == 0, said
    assert scores(tmp_path) == whole(jobs)


@needs_brain
@pytest.mark.slow
@pytest.mark.parametrize("name", ["INT", "TERM"])
@pytest.mark.parametrize(
    "words",
    [
        ["tune", "--modalities", "brain", "--profile", "quick", "--seconds", "5", "--out", "tuning"],
        ["speed", "--out", "speed"],
        ["data", "prepare", "phantom", "--modality", "brain", "--profile", "standard", "--out", "run"],
    ],
    ids=["tune", "speed", "data prepare"],
)
def test_a_signal_ends_other_commands_too(words, name, tmp_path):
    process = begin(words, cwd=tmp_path)
    time.sleep(6)
    assert process.poll() is None, process.communicate()
    code, seconds, _, said = ended(process, name, group=name == "INT")
    assert (code, said[-1]) == (CODES[name], f"mribench: {SAID}") and seconds < SOON
    assert not any("Traceback" in line for line in said)
    time.sleep(1)
    assert not left_of(process)


def test_a_signal_ends_a_download(tmp_path):
    """The server answers and then says nothing more."""
    code = f"""
import socket, threading
listening = socket.create_server(("127.0.0.1", 0))
def serve():
    one, _ = listening.accept()
    one.recv(9999)
    one.sendall(b"HTTP/1.0 200 OK\\r\\nContent-Length: 999999\\r\\n\\r\\nabc")
    print("ready", flush=True)
    one.recv(1)
threading.Thread(target=serve, daemon=True).start()
{COMMAND.split("def ready")[0]}
from pathlib import Path
from mribench.data.download.download import download

@app.app.command()
def busy():
    url = f"http://127.0.0.1:{{listening.getsockname()[1]}}/x.zip"
    download([url], Path({str(tmp_path / "x.zip")!r}), "0" * 64, None, lambda *args: None)

@app.app.command()
def other(): ...

sys.argv = ["mribench", "busy"]
entry.main()
"""
    process = begin(code)
    assert process.stdout.readline() == "ready\n", process.communicate()
    time.sleep(0.2)
    ended_with, seconds, _, said = ended(process, "TERM")
    assert (ended_with, said[-1]) == (143, f"mribench: {SAID}") and seconds < SOON
