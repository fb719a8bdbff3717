"""All benchmarks."""

from tests.benchmarks import exports, population, service, startup

startup.main()
population.main()
service.main()
exports.main()
