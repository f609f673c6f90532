"""The same steps on other frameworks: each module has `build(workload, variant, threads) -> (step, read)`."""
