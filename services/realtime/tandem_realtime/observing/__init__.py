"""What observes the process: what is counted, how it is told to Prometheus and to the live page, and the canary."""
