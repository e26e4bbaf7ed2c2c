"""Makes stacks of native code clear: C, C++, Rust, Objective-C, Swift, Kotlin/Native and Dart."""
