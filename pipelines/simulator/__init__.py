"""Simulated leads and tickets for the demo, tests and benchmarks, with the truth about them.

Nothing here is used on real data.
"""

from pipelines.simulator.simulation import SimulationSummary, simulate

__all__ = ["SimulationSummary", "simulate"]
