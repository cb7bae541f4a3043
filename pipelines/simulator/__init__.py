"""Simulates leads and tickets for the demo, tests and benchmarks; not used on real data."""

from pipelines.simulator.simulation import SimulationSummary, simulate

__all__ = ["SimulationSummary", "simulate"]
