"""
The inbox's tables.

A `Message` is what is said, once; a `Notification` is what one user's `Mailbox` makes of it. A group is a notification
with `Member` rows. An `Announcement` is a message for everyone on a tenant's `Board`. A `Bulk` message still has
`BulkRecipient` rows; a `Delivery` is what goes elsewhere, by email say.
"""

from tandem.inbox.models.announcements import Announcement, AnnouncementMark, Board
from tandem.inbox.models.bulk import Bulk, BulkRecipient
from tandem.inbox.models.deliveries import Delivery
from tandem.inbox.models.mailboxes import Mailbox
from tandem.inbox.models.messages import Message
from tandem.inbox.models.notifications import Member, Notification
from tandem.inbox.models.preferences import Mute, Preference

__all__ = [
    "Announcement",
    "AnnouncementMark",
    "Board",
    "Bulk",
    "BulkRecipient",
    "Delivery",
    "Mailbox",
    "Member",
    "Message",
    "Mute",
    "Notification",
    "Preference",
]
