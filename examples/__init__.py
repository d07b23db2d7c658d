"""Examples: a file each, and the demonstration in a folder of its own."""
