"""What the pages show."""

from django.conf import settings
from django.db import models, transaction

import tandem


class Order(models.Model):
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    number = models.IntegerField(default=0)
    note = models.CharField(max_length=100, default="")

    def channels(self):
        return f"order:{self.pk}", f"orders:{self.owner_id}", f"public:order.{self.pk}"

    def change(self, **values):
        """Change it, and tell all that show it."""
        with transaction.atomic():
            Order.objects.filter(pk=self.pk).update(**values)
            self.tell()

    def remove(self):
        with transaction.atomic():
            self.tell()
            self.delete()

    def tell(self):
        for channel in self.channels():
            tandem.publish_on_commit(channel, {})
