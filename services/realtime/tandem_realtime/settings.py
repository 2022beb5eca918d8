"""Django settings of the realtime service. The environment is read here and nowhere else."""

from __future__ import annotations

import os
from importlib import import_module

from environs import Env

from tandem.logs import logging_config
from tandem.settings import from_environ

env = Env()

DEBUG = False
SECRET_KEY = "not used: this service signs nothing"
INSTALLED_APPS: list[str] = []
DATABASES: dict[str, object] = {}
USE_TZ = True

# One process for everything: the project behind TANDEM_HTTP_APP ("api.asgi:application") brings its own settings.
TANDEM_HTTP_APP = env.str("TANDEM_HTTP_APP", "")
if TANDEM_HTTP_APP:
    _project = import_module(TANDEM_HTTP_APP.partition(".")[0] + ".settings")
    globals().update({name: value for name, value in vars(_project).items() if name.isupper()})

globals().update(from_environ(os.environ))
# The process's own publications to itself. Whatever the deployment declares, and no client may subscribe.
TANDEM_NAMESPACES = {**globals()["TANDEM_NAMESPACES"], "tandem.canary": {"history_size": 1, "history_ttl": 60}}

HOST = env.str("REALTIME_HOST", "0.0.0.0")
PORT = env.int("REALTIME_PORT", 8100)
PRIVATE_PORT = env.int("REALTIME_PRIVATE_PORT", 8101)
TANDEM_URLPATTERNS = env.str("TANDEM_URLPATTERNS", "")
LOGGING = logging_config(env.str("TANDEM_LOG_LEVEL", "INFO"))

DRAIN_SECONDS = env.float("DRAIN_SECONDS", 30)
MAX_CONNECTIONS = env.int("MAX_CONNECTIONS", 20_000)
HANDSHAKES_PER_SECOND = env.float("HANDSHAKES_PER_SECOND", 0)
MAX_MESSAGE_BYTES = env.int("MAX_MESSAGE_BYTES", 65_536)
COMMANDS_PER_SECOND = env.float("COMMANDS_PER_SECOND", 50)
MAX_BUFFER_BYTES = env.int("MAX_BUFFER_BYTES", 1_048_576)
MAX_AGE_SECONDS = env.float("MAX_AGE_SECONDS", 0)
PING_SECONDS = env.float("PING_SECONDS", 25)
PONG_SECONDS = env.float("PONG_SECONDS", 8)
CONNECT_SECONDS = env.float("CONNECT_SECONDS", 10)
BACKLOG = env.int("BACKLOG", 4096)
