"""Fisher's iris: three species told apart by four measures of a flower."""

import headrace as hr

x_train, x_test, y_train, y_test = hr.datasets.iris.load_split()
model = hr.estimators.DNNClassifier(hidden_units=[16], n_classes=3)
model.fit(x_train, y_train, epochs=100)
print("accuracy", model.evaluate(x_test, y_test)["accuracy"])
print("species", hr.datasets.iris.CLASS_NAMES[model.predict(x_test[:1])[0]])
