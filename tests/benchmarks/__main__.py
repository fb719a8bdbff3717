"""All benchmarks."""

from tests.benchmarks import manifests, population, startup

startup.main()
population.main()
manifests.main()
