"""Who there is: accounts, secrets that open them, rosters, and a person's own data."""
