"""The SRS language, and nothing about EPP: requests, results, signatures, the way to the registry."""
