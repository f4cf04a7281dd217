"""What the pages show, read from rows and files into finished values: one module per noun, the shop always first."""
