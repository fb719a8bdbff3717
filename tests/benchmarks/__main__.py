"""All benchmarks."""

from tests.benchmarks import exports, hashing, manifests, population, sage, service, startup, uploads

startup.main()
population.main()
manifests.main()
service.main()
sage.main()
hashing.main()
uploads.main()
exports.main()
