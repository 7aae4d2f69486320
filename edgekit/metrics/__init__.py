"""How sure a number is: pure numpy and scipy, nothing of the stages."""
