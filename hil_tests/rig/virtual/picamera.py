"""The real, unmodified picamera2 on libcamera's virtual pipeline: no Pi, no sensor, no dma-buf.

Four things of a Pi are missing on such a machine and are supplied here from outside: the display
library and the writer of raw pictures that picamera2 imports, the sensor's raw modes that it asks
for, and the kernel's allocator of camera buffers. Everything else is picamera2's and libcamera's
own. Runs only inside a virtual camera.
"""

import mmap
import os
import sys
from contextlib import AbstractContextManager, nullcontext
from types import ModuleType
from typing import Any


class _Anything(ModuleType):
    """Stands for a library of which picamera2 needs names only: no display, no raw pictures."""

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401  # As it says.
        return _Anything(name)


for absent in ("pykms", "pidng", "pidng.camdefs", "pidng.core"):
    sys.modules.setdefault(absent, _Anything(absent))

import libcamera  # noqa: E402  # After the display library.
import picamera2.picamera2 as real  # noqa: E402
from picamera2 import Picamera2  # noqa: E402
from picamera2.allocators.allocator import Allocator  # noqa: E402


class MemoryAllocator(Allocator):  # type: ignore[misc]  # It ships no types.
    """Camera buffers in ordinary memory: two planes one after the other, as NV12 wants them."""

    def __init__(self) -> None:
        super().__init__()
        self._files: list[int] = []
        self.mapped_buffers: dict[Any, mmap.mmap] = {}
        self.frame_buffers: dict[Any, list[Any]] = {}
        self.sync = lambda _allocator, buffer, _write: self._mapped(buffer)

    def allocate(self, configuration: Any, _use_case: Any) -> None:  # noqa: ANN401  # libcamera's.
        """Make the buffers of every stream."""
        self.close()
        for stream in configuration:
            self.frame_buffers[stream.stream] = [
                self._buffer(stream.stride * stream.size.height) for _ in range(stream.buffer_count)
            ]

    def buffers(self, stream: Any) -> list[Any]:  # noqa: ANN401  # libcamera's.
        """Return a stream's buffers."""
        return self.frame_buffers[stream]

    def close(self) -> None:
        """Give all buffers back."""
        self.frame_buffers, self.mapped_buffers = {}, {}
        while self._files:
            os.close(self._files.pop())

    def _mapped(self, buffer: Any) -> AbstractContextManager[mmap.mmap]:  # noqa: ANN401
        return nullcontext(self.mapped_buffers[buffer])

    def _buffer(self, luma: int) -> Any:  # noqa: ANN401  # libcamera's.
        file = os.memfd_create("frame", os.MFD_CLOEXEC)
        os.ftruncate(file, luma * 3 // 2)
        self._files.append(file)
        planes = []
        for offset, length in ((0, luma), (luma, luma // 2)):
            plane = libcamera.FrameBuffer.Plane()
            plane.fd, plane.offset, plane.length = file, offset, length
            planes.append(plane)
        buffer = libcamera.FrameBuffer(planes)
        self.mapped_buffers[buffer] = mmap.mmap(file, luma * 3 // 2)
        return buffer


real.DmaAllocator = MemoryAllocator


class VirtualPicamera2(Picamera2):  # type: ignore[misc]  # It ships no types.
    """picamera2 on a camera without raw modes: all else is inherited."""

    def _get_raw_modes(self) -> list[dict[str, Any]]:
        role = libcamera.StreamRole.VideoRecording
        offered = self.camera.generate_configuration([role]).at(0)
        size = (offered.size.width, offered.size.height)
        return [{"format": str(offered.pixel_format), "size": size}]
