"""scikit-learn's grid search over an estimator's settings, inside a pipeline that scales the features."""

from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import headrace as hr

x_train, x_test, y_train, y_test = hr.datasets.iris.load_split()
model = make_pipeline(StandardScaler(), hr.estimators.DNNClassifier(hidden_units=[8]))
grid = {"dnnclassifier__hidden_units": [[2], [8], [32, 16]], "dnnclassifier__dropout": [None, 0.2]}
search = GridSearchCV(model, grid, cv=3)
search.fit(x_train, y_train, dnnclassifier__epochs=40, dnnclassifier__verbose=0)
for settings, score in zip(search.cv_results_["params"], search.cv_results_["mean_test_score"], strict=True):
    print(f"{score:.3f} {settings}")
print("best", search.best_params_)
print("accuracy", search.score(x_test, y_test))
