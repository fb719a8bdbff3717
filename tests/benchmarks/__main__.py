"""All benchmarks."""

from tests.benchmarks import exports, manifests, metadata, population, sage, service, startup

startup.main()
population.main()
manifests.main()
metadata.main()
service.main()
sage.main()
exports.main()
