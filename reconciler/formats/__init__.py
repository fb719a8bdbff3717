"""Annotation formats: the typed model, DM payloads, COCO, and the writers of exports. Pure; no I/O."""
