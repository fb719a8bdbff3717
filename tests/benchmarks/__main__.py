"""All benchmarks."""

from tests.benchmarks import exports, population, startup

startup.main()
population.main()
exports.main()
