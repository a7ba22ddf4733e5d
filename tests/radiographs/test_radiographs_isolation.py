import time

import pytest

from labkit.radiographs import isolation


def run(items, **options):
    """Evaluate Python expressions in child processes: the plainest function that can crash, hang or answer."""
    options = {"workers": 1, "timeout_s": 30.0} | options
    return list(isolation.each(eval, items, failed=lambda item, reason: reason, **options))


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("batch", [1, 4])
def test_results_keep_their_order(workers, batch):
    assert run([str(n) for n in range(11)], workers=workers, batch=batch) == list(range(11))


def test_no_items_start_no_process():
    assert run([]) == []


@pytest.mark.parametrize("batch", [1, 3])
def test_a_native_crash_is_the_culprits_reason_alone(batch):
    assert run(["1", "__import__('os').abort()", "3"], batch=batch) == [1, "the decoder crashed (SIGABRT)", 3]


def test_a_hang_ends_after_its_time():
    start = time.monotonic()
    results = run(["1", "__import__('time').sleep(60)", "3"], timeout_s=0.5)
    assert results == [1, "decoding took longer than 0 s", 3]
    assert time.monotonic() - start < 20


def test_native_prints_do_not_disturb_the_answers():
    assert run(["__import__('os').write(1, b'noise')", "2"]) == [5, 2]


def test_memory_is_bounded():
    assert run(["len(bytearray(2**40))", "2"]) == ["the decoder crashed (exit code 1)", 2]


def test_stopping_early_leaves_no_process_behind():
    results = isolation.each(
        eval,
        ["__import__('os').getpid()"] * 50,
        failed=lambda item, reason: reason,
        workers=2,
        timeout_s=30.0,
    )
    pid = next(results)
    results.close()
    psutil = pytest.importorskip("psutil")
    assert not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
