"""Training as in the paper: a configuration for every row of its tables, the loop, and the rows beside
its figures."""
