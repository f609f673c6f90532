"""`headrace run`: starts mpirun, starts it again from the newest whole checkpoint when something fails, leaves nothing."""
