"""Trackers: W&B, MLflow and TensorBoard, each of their exports in a file of its own."""
