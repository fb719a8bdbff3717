"""Publication of exports: whole data sets on local folders and any fsspec URL, checked by a manifest."""
