"""Tandem as a Django app: its tables, the permission functions of every app, and the wiring of traces."""

from contextlib import suppress
from importlib import import_module

from django.apps import AppConfig, apps
from django.core.exceptions import ImproperlyConfigured
from django.core.management import get_commands
from django.utils.module_loading import autodiscover_modules

from tandem import conf, control, pause, tracing
from tandem.chores import chores
from tandem.gauges import gauges


class TandemConfig(AppConfig):
    """Holds the models; finds ``<app>.channels`` and listens to logins once every app is there."""

    name = "tandem"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Import what the project says about its channels, and what obeys its logins; trace if that is wanted."""
        _take_runworker()
        control.keep = import_module("tandem.outbox.control").keep
        pause.look = import_module("tandem.outbox.watch").watch.paused_since
        if apps.is_installed("django.contrib.auth"):
            import_module("tandem.auth.signals").connect()
        import_module("tandem.checks")
        outbox_gauges = import_module("tandem.outbox.gauges").outbox_gauges
        if outbox_gauges not in gauges:
            gauges.append(outbox_gauges)
        # Redis lost what SQL still has, what was revoked and a pause; triggers noticed what nobody has told of yet.
        ours = (
            import_module("tandem.auth.revoking").refill,
            import_module("tandem.outbox.marking").keep_mark,
            import_module("tandem.changes.recorded").tell_recorded,
        )
        chores.extend(each for each in ours if each not in chores)
        autodiscover_modules("channels")
        # What is wrong in the settings the check says, all of it, and whoever uses them.
        with suppress(ImproperlyConfigured):
            if conf.settings().traces and not tracing.is_on():
                tracing.trace_requests()


def _take_runworker() -> None:
    """Have ``runworker`` be ours, which does all that Channels' does, wherever each stands in INSTALLED_APPS."""
    commands = get_commands()  # Django keeps it, and finds every command there
    if commands.get("runworker") == "channels":
        commands["runworker"] = "tandem"
