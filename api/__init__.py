"""The outer edge: HTTP, worker, command line, console. The only reader of the environment; decides nothing itself."""
