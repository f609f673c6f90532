"""An autoencoder: digits through eight numbers and back, against as many principal components."""

import numpy as np

import headrace as tf

x_train, x_test, _, _ = tf.datasets.digits.load_split()

x = tf.placeholder(tf.float32, [None, 64])
hidden = tf.layers.dense(x, 64, tf.nn.relu)
code = tf.layers.dense(hidden, 8, name="code")
hidden = tf.layers.dense(code, 64, tf.nn.relu)
output = tf.layers.dense(hidden, 64, tf.nn.sigmoid)
loss = tf.losses.mean_squared_error(x, output)
train = tf.train.AdamOptimizer(2e-3).minimize(loss)

data = tf.data.Dataset.from_tensor_slices(x_train).shuffle(len(x_train), seed=1).repeat(60).batch(64).prefetch(1)
batch = data.make_one_shot_iterator().get_next()
tf.set_random_seed(1)
with tf.Session() as session:
    session.run(tf.global_variables_initializer())
    while True:
        try:
            session.run(train, {x: session.run(batch)})
        except tf.errors.OutOfRangeError:
            break
    error, pictures = session.run([loss, output], {x: x_test})

mean = x_train.mean(axis=0)
axes = np.linalg.svd(x_train - mean, full_matrices=False)[2][:8]
linear = np.mean(((x_test - mean) @ axes.T @ axes + mean - x_test) ** 2)
print(f"error {error:.4f}, with principal components {linear:.4f}")
for row in np.concatenate([x_test[0].reshape(8, 8), pictures[0].reshape(8, 8)], axis=1):
    print("".join(" .:-=+*#"[min(int(value * 8), 7)] * 2 for value in row))
