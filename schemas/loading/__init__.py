"""Turns definition files into checked models, and names each problem with its file and line."""
