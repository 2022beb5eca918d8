"""The same counter by five transports, side by side, with what each costs."""
