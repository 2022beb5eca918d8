"""What Tandem promises of its speed, each promise shown in one run."""
