"""Map a function over items in several processes, with the results in order."""

import multiprocessing
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from itertools import islice
from typing import TypeVar

import torch

Item, Result = TypeVar('Item'), TypeVar('Result')

#: Chunks for each process that run or wait to be taken: more would pile up in memory.
_AHEAD = 4
_function: Callable | None = None  # of a worker process, set when it starts


def ordered_map(
    function: Callable[[Item], Result], items: Iterable[Item], workers: int = 0, chunk: int = 1
) -> Iterator[Result]:
    """``map(function, items)`` by a pool of processes, each with one thread.

    Items are read a few chunks ahead. Errors reach the caller as they were raised. The processes
    are forked from a server that has imported only mmdrs, because a fork of this process would
    lose its threads: a script that calls this needs ``if __name__ == '__main__'``.

    Args:
        function: Can be pickled; each process gets it once.
        items: Can be pickled.
        workers: Processes; 0 computes in this one.
        chunk: Items that a process gets at once.
    """
    if not workers:
        yield from map(function, items)
        return
    items, running = iter(items), deque[Future]()
    with ProcessPoolExecutor(workers, _context(), _start, (function,)) as pool:
        try:
            while part := list(islice(items, chunk)):
                running.append(pool.submit(_run, part))
                if len(running) > _AHEAD * workers:
                    yield from running.popleft().result()
            while running:
                yield from running.popleft().result()
        finally:  # an error, or a caller who takes no more
            pool.shutdown(wait=True, cancel_futures=True)


def _context() -> multiprocessing.context.BaseContext:
    if 'forkserver' not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context('spawn')
    context = multiprocessing.get_context('forkserver')
    context.set_forkserver_preload(['mmdrs.apis.pool'])
    return context


def _start(function: Callable) -> None:
    global _function
    _function = function
    torch.set_num_threads(1)


def _run(items: list) -> list:
    return [_function(item) for item in items]
