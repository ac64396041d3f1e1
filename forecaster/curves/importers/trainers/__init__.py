"""Trainers: the records that training and evaluation programs leave, each in a file of its own."""
