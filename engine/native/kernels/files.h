/* The files of kernels, each once: kernels/<name>.c defines the table <name>. setup.py reads this list too. */
HR_FILE(conv)
HR_FILE(conv_backward)
HR_FILE(copy)
HR_FILE(gemm)
HR_FILE(optimizers)
HR_FILE(pool)
HR_FILE(softmax)
HR_FILE(batch_norm)
