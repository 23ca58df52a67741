"""mailorigin-firewall, alone with the processes of a cgroup and a network namespace of its own.

ground: the cgroup and the namespaces. service: the firewall on them. messages: what it is told.
ring: its events. teller: who opened a connection. tenant: the processes that it judges. pinned_map: the kernel's maps, by hand.
"""

from .ground import MAPPED, OTHER, TENANT, V4, V4_OTHER, V6, Ground
from .messages import (
    ALLOW, ATTACH, DENY, HOST, NEIGHBOUR, OBSERVE, ORIGIN_BYTES, REDIRECT, RING, STATUS, block, blocks, head, policy, smtp, vhost,
)  # fmt: skip
from .pinned_map import PinnedMap
from .ring import Ring
from .service import DAEMON_UID, FIREWALL_UID, Firewall, start_ticks
from .teller import opener_of
from .tenant import Page, as_subordinate, attempt, closed, fate, forked, greeting, hold, hold_opened, in_worker, nonroot_worker, own_root, trying, waiting_process
