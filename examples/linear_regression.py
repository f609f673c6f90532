"""A line through points, found by gradient descent: a graph of operations, and a session that runs it."""

import headrace as tf

x_data, y_data, slope = tf.datasets.synthetic.make_regression(200, 1, noise=0.5, bias=3.0)

x = tf.placeholder(tf.float32, [None, 1], "x")
y = tf.placeholder(tf.float32, [None], "y")
weight = tf.get_variable("weight", [1, 1], initializer=tf.zeros_initializer())
bias = tf.get_variable("bias", [1], initializer=tf.zeros_initializer())
prediction = tf.squeeze(tf.matmul(x, weight) + bias, axis=1)
loss = tf.reduce_mean(tf.square(prediction - y))
train = tf.train.GradientDescentOptimizer(0.1).minimize(loss)

with tf.Session() as session:
    session.run(tf.global_variables_initializer())
    for step in range(101):
        value, _ = session.run([loss, train], {x: x_data, y: y_data})
        if step % 25 == 0:
            print(f"step {step} loss {value:.3f}")
    found = session.run([weight, bias])
print(f"weight {found[0].item():.2f} (made with {slope.item():.2f}), bias {found[1].item():.2f} (made with 3.00)")
