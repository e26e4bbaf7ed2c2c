"""Makes stacks of Java and Kotlin clear with R8 or ProGuard mappings and bundles of source code."""
