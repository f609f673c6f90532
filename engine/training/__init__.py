"""Training: optimizers, loops, input queues, savers and hooks, over sessions."""
