"""Mail: its settings, what each kind says, who does not want it, and handing it to an SMTP server.

Off unless `mail.toml` stands in the data directory.
"""

from server.mail.sending import Post
from server.mail.settings import FILE, Settings, read
from server.mail.switches import SWITCHABLE, Switches, set_wanted, wanted

__all__ = ["FILE", "SWITCHABLE", "Post", "Settings", "Switches", "read", "set_wanted", "wanted"]
