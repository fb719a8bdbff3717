"""The Datamaker dialect of the embedded server: flat v1 paths and `/v2/` on one port, over one store."""
