"""All benchmarks."""

from tests.benchmarks import exports, manifests, population, sage, service, startup

startup.main()
population.main()
manifests.main()
service.main()
sage.main()
exports.main()
