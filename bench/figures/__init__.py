"""The figures: what is measured, each in a module of its own."""

from __future__ import annotations

from bench.figures.cost import Cost
from bench.figures.crowd import Crowd
from bench.figures.delay import Delay
from bench.figures.figure import Figure
from bench.figures.greeting import Greeting
from bench.figures.grid import Grid
from bench.figures.idle import Idle
from bench.figures.latency import Latency
from bench.figures.overload import Overload
from bench.figures.start import Start
from bench.figures.workers import Workers

__all__ = ["FIGURES", "Figure"]

# in the order of the report
FIGURES: tuple[type[Figure], ...] = (
    Cost,
    Grid,
    Crowd,
    Latency,
    Overload,
    Workers,
    Delay,
    Greeting,
    Idle,
    Start,
)
