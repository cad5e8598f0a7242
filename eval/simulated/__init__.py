"""Simulated customers: people with a goal, a manner and little patience, who talk to the API until they are content.

`conversations(settings, jobs)` runs them; docs/simulated.md tells what is measured.
"""

from eval.simulated.run import conversations

__all__ = ["conversations"]
