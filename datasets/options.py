"""Options of a dataset: names that programs set, kept and given back."""

from __future__ import annotations

from typing import Any


class Options:
    """tf.data.Options of TF 1.15: its settings concern an optimizer and threads that there are none of here.

    Every setting is kept as it was set; `experimental_deterministic` is always as if True.
    """

    def __init__(self) -> None:
        self.experimental_autotune: Any = None
        self.experimental_deterministic: Any = None
        self.experimental_slack: Any = None
        self.experimental_stateful_whitelist: Any = None

    def merge(self, options: Options) -> Options:
        """New options with the settings of both, those of `options` first."""
        merged = Options()
        vars(merged).update({k: v for k, v in vars(self).items() if v is not None})
        vars(merged).update({k: v for k, v in vars(options).items() if v is not None})
        return merged
