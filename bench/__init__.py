"""How fast eppd is, and how much of its time is its own: ``python3 -m bench``; see docs/performance.md."""
