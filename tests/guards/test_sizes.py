"""A long file or function is asking to be two."""

from __future__ import annotations

from tests.guards.sources import functions, lines, modules

FILE_LINES = 400
FUNCTION_LINES = 50


def test_no_file_is_longer_than_400_lines() -> None:
    long = {str(path): lines(path) for path in modules() if lines(path) > FILE_LINES}
    assert not long


def test_no_function_is_longer_than_50_lines() -> None:
    long = {
        f"{path}:{node.lineno} {node.name}": length
        for path in modules()
        for node in functions(path)
        if (length := (node.end_lineno or node.lineno) - node.lineno + 1) > FUNCTION_LINES
    }
    assert not long
