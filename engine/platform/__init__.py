"""What programs ask of the system around the graph: flags, files, logging, tests. Nothing here knows a graph but test.py."""
