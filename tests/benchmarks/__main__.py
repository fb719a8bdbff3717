"""All benchmarks."""

from tests.benchmarks import exports, manifests, population, service, startup

startup.main()
population.main()
manifests.main()
service.main()
exports.main()
