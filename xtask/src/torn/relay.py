"""Changes packets where the kernel has no netem.

relay.py plain DEVICE         makes the sender compute checksums and cut segments, so that frames can be copied
relay.py delay MS FROM TO     copies frames between two devices, each after so many milliseconds, until its
                              standard input ends
"""

import array
import collections
import fcntl
import select
import socket
import struct
import sys
import time

SIOCETHTOOL = 0x8946
ETHTOOL_STXCSUM = 0x17
ETH_P_ALL = 3


def plain(device):
    value = array.array("B", struct.pack("II", ETHTOOL_STXCSUM, 0))
    request = struct.pack("16sP", device.encode(), value.buffer_info()[0])
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, SIOCETHTOOL, request)


def opened(device):
    frames = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
    frames.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
    frames.bind((device, 0))
    return frames


def delay(seconds, first, second):
    ends = [opened(first), opened(second)]
    waiting = collections.deque()
    while True:
        rest = max(0, waiting[0][0] - time.monotonic()) if waiting else None
        ready, _, _ = select.select([*ends, sys.stdin], [], [], rest)
        if sys.stdin in ready:
            return
        for end in ready:
            frame, (_, _, kind, *_) = end.recvfrom(65536)
            # Skips the frames that this program sends.
            if kind != socket.PACKET_OUTGOING:
                waiting.append((time.monotonic() + seconds, ends[1 - ends.index(end)], frame))
        while waiting and waiting[0][0] <= time.monotonic():
            _, to, frame = waiting.popleft()
            try:
                to.send(frame)
            except OSError:
                # The frame is lost, as in a network.
                pass


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["plain", device]:
            plain(device)
        case ["delay", ms, first, second]:
            delay(int(ms) / 1000, first, second)
        case _:
            sys.exit(__doc__)
