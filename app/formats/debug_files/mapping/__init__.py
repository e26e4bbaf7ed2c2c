"""R8 and ProGuard mappings: which class and method an obfuscated name stands for."""
