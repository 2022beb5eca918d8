"""Shift the clock of this process by CLOCK_SHIFT_SECONDS; the monotonic clock stays."""

import os
import time

import time_machine

time_machine.travel(time.time() + int(os.environ["CLOCK_SHIFT_SECONDS"]), tick=True).start()
