"""All benchmarks."""

from tests.benchmarks import exports, hashing, manifests, metadata, population, sage, service, startup, uploads

startup.main()
population.main()
manifests.main()
metadata.main()
service.main()
sage.main()
hashing.main()
uploads.main()
exports.main()
