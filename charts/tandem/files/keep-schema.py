# Run by `manage.py shell -c` beside a PostgreSQL that keeps its data in its pod: a new pod has no tables, and the Job
# of a revision does not run again. When a second look finds none either, migrate.
import time

from django.core.management import call_command
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

missing = 0
while True:
    try:
        missing = 0 if MigrationRecorder(connection).has_table() else missing + 1
        if missing > 1:
            print("the database is a new one: migrating", flush=True)
            call_command("migrate", interactive=False)
            missing = 0
    except Exception as error:  # whatever it is, the next round tries again
        print("waiting for the database:", str(error).partition("\n")[0], flush=True)
    finally:
        connection.close()
    time.sleep(3)
