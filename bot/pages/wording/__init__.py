"""How text, values and gains read, wherever they stand."""
