"""All benchmarks."""

from tests.benchmarks import (
    cluster,
    conversion,
    exports,
    hashing,
    manifests,
    metadata,
    million,
    population,
    sage,
    service,
    startup,
    uploads,
)

startup.main()
population.main()
million.main()
manifests.main()
metadata.main()
service.main()
sage.main()
hashing.main()
uploads.main()
conversion.main()
exports.main()
cluster.main()
