"""Handwritten digits by a deep neural network: fitted, evaluated, and ready for TensorBoard."""

import headrace as hr

x_train, x_test, y_train, y_test = hr.datasets.digits.load_split()
model = hr.estimators.DNNClassifier(hidden_units=[128, 64], model_dir="runs/digits")
model.fit(x_train, y_train, epochs=30)
print("accuracy", model.evaluate(x_test, y_test)["accuracy"])
print("To look at it: .venv/bin/tensorboard --logdir runs")
