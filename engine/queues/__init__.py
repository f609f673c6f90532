"""Queues, accumulators and staging areas as objects: what the handles of queue ops point to. They know no graph."""
