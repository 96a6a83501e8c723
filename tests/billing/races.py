"""Many processes of their own at once."""

from tests import processes

PROCESSES = 8


def processes_at_once(module: str, *arguments: str) -> list[list[str]]:
    """What 8 processes say that begin together; the last argument of each is its number."""
    started = [
        processes.child(f"tests.billing.{module}", *arguments, str(number))
        for number in range(PROCESSES)
    ]
    ready = [one.stdout.readline() for one in started if one.stdout]
    for one in started:
        if one.stdin:
            one.stdin.write("begin\n")
            one.stdin.flush()
    said = [one.communicate(timeout=120)[0].splitlines() for one in started]
    assert ready == ["ready\n"] * PROCESSES
    assert [one.returncode for one in started] == [0] * PROCESSES
    return said
