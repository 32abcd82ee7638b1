"""Everything that answers a request: pages, the API, access, errors, measurements."""
