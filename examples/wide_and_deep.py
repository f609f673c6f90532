"""Wide and deep: incomes of a made census, by crossed categories on one side and a network on the other."""

import headrace as tf

fc = tf.feature_column
synthetic = tf.datasets.synthetic
table, label = synthetic.make_census(8000)
train = {name: values[:6000] for name, values in table.items()}, label[:6000]
test = {name: values[6000:] for name, values in table.items()}, label[6000:]

age = fc.numeric_column("age", normalizer_fn=lambda x: (x - 48.0) / 18.0)
age_groups = fc.bucketized_column(fc.numeric_column("age"), [25, 35, 45, 55, 65])
education = fc.categorical_column_with_vocabulary_list("education", synthetic.EDUCATION)
occupation = fc.categorical_column_with_hash_bucket("occupation", 50)
marital_status = fc.categorical_column_with_vocabulary_list("marital_status", synthetic.MARITAL_STATUS)
hours = fc.numeric_column("hours_per_week", normalizer_fn=lambda x: (x - 40.0) / 12.0)
gain = fc.numeric_column("capital_gain", normalizer_fn=tf.log1p)

wide = [education, occupation, marital_status, age_groups, fc.crossed_column(["education", "occupation"], 200)]
deep = [age, hours, gain, fc.indicator_column(education), fc.indicator_column(marital_status)]
deep.append(fc.embedding_column(occupation, 8))

model = tf.estimator.DNNLinearCombinedClassifier(
    linear_feature_columns=wide,
    linear_optimizer=tf.train.FtrlOptimizer(0.5),
    dnn_feature_columns=deep,
    dnn_hidden_units=[64, 32],
    dnn_optimizer=tf.train.AdamOptimizer(1e-3),
)
wide_alone = tf.estimator.LinearClassifier([education, occupation, marital_status, age_groups])
for name, estimator in (("linear", wide_alone), ("wide and deep", model)):
    estimator.train(tf.estimator.inputs.numpy_input_fn(*train, batch_size=100, num_epochs=8, shuffle=True))
    result = estimator.evaluate(tf.estimator.inputs.numpy_input_fn(*test, shuffle=False))
    print(f"{name}: accuracy {result['accuracy']:.3f} auc {result['auc']:.3f}")
