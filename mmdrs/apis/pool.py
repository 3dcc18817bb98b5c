"""Map a function over items in several processes, with the results in order."""

import multiprocessing
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from itertools import islice
from multiprocessing.context import BaseContext
from typing import TypeVar

import torch

#: Chunks of each process that wait at most. The processes wait for each other after so many.
_CHUNKS = 64
Item = TypeVar('Item')
Result = TypeVar('Result')


def ordered_map(
    function: Callable[[Item], Result], items: Iterable[Item], workers: int = 0, chunk: int = 1
) -> Iterator[Result]:
    """``map(function, items)`` by a pool of processes, each with one thread.

    Nothing starts before the first result is asked for, and items are read in parts. Errors reach
    the caller as they were raised. The processes are forked from a server that has imported only
    mmdrs, because a fork of this process would lose its threads. On Windows, and where
    ``multiprocessing.set_start_method('spawn')`` was called, they are started anew. In both cases
    a script that calls this needs ``if __name__ == '__main__'``.

    Args:
        function: Can be pickled.
        items: Can be pickled.
        workers: Processes; 0 computes in this one.
        chunk: Items that a process gets at once.
    """
    if not workers:
        yield from map(function, items)
        return
    items = iter(items)
    with ProcessPoolExecutor(workers, _context(), torch.set_num_threads, (1,)) as pool:
        # The pool would take all items at once, of which there may be millions.
        while part := list(islice(items, _CHUNKS * workers * chunk)):
            yield from pool.map(function, part, chunksize=chunk)


def _context() -> BaseContext:
    chosen = multiprocessing.get_start_method(allow_none=True)
    if chosen == 'spawn' or 'forkserver' not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context('spawn')
    context = multiprocessing.get_context('forkserver')
    context.set_forkserver_preload(['mmdrs.apis.pool'])
    return context
