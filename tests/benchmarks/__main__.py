"""All benchmarks."""

from tests.benchmarks import population, startup

startup.main()
population.main()
