"""A believable perimeter with all its traffic, made up: for the demo, the tests and the benchmarks."""
