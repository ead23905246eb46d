"""Processes that train together, forked here: without torchrun, and without its seconds."""

import hashlib
import multiprocessing
import os
import socket
import traceback
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from toy_runs import Listener
from vtspec.adapters.__main__ import train_in_group
from vtspec.adapters.contract import Job, ProcessRank
from vtspec.adapters.pytorch.torchrun import ExitStatus

Change = Callable[[Any, int], None]
"""What a test changes of an adapter, by its rank, before it trains."""


def train_in_processes(  # noqa: PLR0913 - what differs from test to test
    kind: Callable[[Job, Any], Any],
    job: Job,
    count: int = 2,
    *,
    stop_after: int | None = None,
    resume: bool = False,
    change: Change = lambda adapter, rank: None,
) -> Listener:
    """Train by so many processes, which end with the same weights; what rank 0 told.

    Raises `RuntimeError` where one failed."""
    context = multiprocessing.get_context("fork")
    port, told = _find_port(), context.SimpleQueue()

    def work(rank: int) -> None:
        os.environ |= {
            **{"RANK": str(rank), "WORLD_SIZE": str(count), "GLOO_SOCKET_IFNAME": "lo"},
            **{"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)},
        }
        listener = Listener(stop_after=stop_after)
        mine = replace(job, process=ProcessRank(rank=rank, count=count, local=count))
        try:
            adapter = kind(mine, listener)
            change(adapter, rank)
            ending = ExitStatus()
            train_in_group(adapter, mine, listener, resume, ending)
            told.put((rank, listener, (ending.code, *_sum_weights(adapter)), None))
        except BaseException:
            told.put((rank, listener, 1, traceback.format_exc()))

    processes = [context.Process(target=work, args=(rank,)) for rank in range(count)]
    for each in processes:
        each.start()
    try:
        found = sorted((told.get() for _ in processes), key=lambda one: one[0])
        for each in processes:
            each.join(60)
    finally:
        for each in processes:
            each.kill()
    if failures := [one[3] for one in found if one[3] is not None]:
        raise RuntimeError("\n".join(failures))
    # Whatever happened, all have the same exit code, weights and averages.
    assert len({end for _, _, end, _ in found}) == 1
    listener: Listener = found[0][1]
    listener.told.append(("code", found[0][2][0]))
    return listener


def _sum_weights(adapter: Any) -> list[str]:
    networks = [adapter.model, adapter.averaged]
    return [
        hashlib.sha256(
            b"".join(one.numpy().tobytes() for one in network.state_dict().values())
        ).hexdigest()
        for network in networks
        if network is not None
    ]


def _find_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port
