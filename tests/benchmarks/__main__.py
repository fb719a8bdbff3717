"""All benchmarks."""

from tests.benchmarks import cluster, exports, hashing, manifests, metadata, population, sage, service, startup, uploads

startup.main()
population.main()
manifests.main()
metadata.main()
service.main()
sage.main()
hashing.main()
uploads.main()
exports.main()
cluster.main()
