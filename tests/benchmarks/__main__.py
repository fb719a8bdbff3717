"""All benchmarks."""

from tests.benchmarks import cluster, exports, manifests, metadata, population, sage, service, startup

startup.main()
population.main()
manifests.main()
metadata.main()
service.main()
sage.main()
exports.main()
cluster.main()
