"""All benchmarks."""

from tests.benchmarks import cluster, exports, manifests, population, sage, service, startup

startup.main()
population.main()
manifests.main()
service.main()
sage.main()
exports.main()
cluster.main()
