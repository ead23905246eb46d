"""Where a process listens, HOST:PORT."""

from dataclasses import dataclass

from vtspec.pipelines.errors import Refused


@dataclass(frozen=True, kw_only=True)
class ListenAddress:
    """Where something is listened at; `option` is what a person named it by."""

    host: str
    port: int
    option: str

    def refuse(self, why: str = "") -> Refused:
        """The error that it cannot be listened at."""
        return Refused(
            f"{self.host}:{self.port} cannot be listened at{why}",
            fix=f"name another: {self.option} HOST:PORT",
        )


def parse_listen_address(word: str, option: str, example: str) -> ListenAddress:
    """HOST:PORT, an IPv6 host in brackets. Raises `Refused` for anything else."""
    host, _, port = word.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 65536:
        raise Refused(f"{option} {word} is no address", fix=f"{option} {example}")
    return ListenAddress(host=host.strip("[]"), port=int(port), option=option)
