"""What one rollout may use, and what this machine can hold it to."""

from __future__ import annotations

from dataclasses import dataclass

MEGABYTE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one rollout, all its processes together unless said otherwise.

    ``memory_mb`` beyond what the fork server had before the fork; ``folder_mb`` and ``files`` in its folder, open files
    without a name included; ``file_mb`` of a single file; ``output_mb`` of stdout and stderr; ``processes`` and, for
    each process, ``open_files``. Memory and folder are looked at every 100 ms. ``address_space`` says whether
    that of a process is bounded too: drivers of some devices reserve more of it than there is memory.
    """

    memory_mb: int = 1024
    folder_mb: int = 64
    files: int = 2000
    file_mb: int = 32
    output_mb: int = 8
    processes: int = 64
    open_files: int = 128
    address_space: bool = True


@dataclass(frozen=True, slots=True)
class Confinement:
    """What this machine's kernel enforces on rollouts. ``landlock`` is the ABI version, 0 for none."""

    landlock: int
    seccomp: bool

    @property
    def writes(self) -> bool:
        """Whether a rollout can write nowhere but in its folder."""
        return self.landlock >= 1

    @property
    def reads(self) -> bool:
        """Whether a rollout can read nothing but Python, system libraries, its harness and its folder."""
        return self.landlock >= 1

    @property
    def network(self) -> bool:
        """Whether TCP is out of reach (with seccomp, every kind of network)."""
        return self.landlock >= 4 or self.seccomp

    @property
    def signals(self) -> bool:
        """Whether a rollout can signal no process but its own."""
        return self.landlock >= 6

    def describe(self) -> str:
        """One sentence for the doctor and the report."""
        if not self.landlock:
            return (
                "no Landlock on this machine: rollouts are bounded in time and size, but may read and write your files"
                + (", without network" if self.seccomp else " and use the network")
            )
        held = ["files (Landlock ABI " + str(self.landlock) + ")"]
        held += ["network"] * self.network + ["signals"] * self.signals
        missing = ["network"] * (not self.network) + ["signals"] * (not self.signals)
        text = f"rollouts are confined: {', '.join(held)}"
        return text + (f"; not confined on this kernel: {', '.join(missing)}" if missing else "")
