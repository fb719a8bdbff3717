"""All benchmarks."""

from tests.benchmarks import population, service, startup

startup.main()
population.main()
service.main()
