"""What is measured, as pure functions of plain values; nothing here loads a model."""
