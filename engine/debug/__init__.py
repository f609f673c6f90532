"""The debugger: what a step computed, dumped to a folder, searched for NaN, and looked at in a terminal (TF 1.15's tfdbg)."""
