"""The parts of the load harness; `benches/run` puts them together."""
