"""From a loss to the error rate of a task measured on the same runs, and whether the task follows its loss at all."""
