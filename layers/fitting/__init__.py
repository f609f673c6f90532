"""What every `fit` does, Keras's models' and estimators': epochs, batches, order of rows, callbacks, progress, checks of rows."""
