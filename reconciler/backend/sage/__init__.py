"""The Sage dialect: one module per service, each with its `ROUTES`; `dispatch` lists the modules."""
