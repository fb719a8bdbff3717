"""The plan: values, rules that decide, guards and text form. Pure: no I/O."""
