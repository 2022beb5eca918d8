"""Where notifications lie: a mailbox for each user, a board for each tenant, and what both tell the browsers."""
