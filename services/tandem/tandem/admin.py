"""What the package has in Django's admin."""

from django.contrib import admin

from tandem.models import OutboxEntry
from tandem.outbox.entry_admin import OutboxEntryAdmin

admin.site.register(OutboxEntry, OutboxEntryAdmin)
