"""States beside deploys: the bucket they are in; moving, showing and restoring them; locks of dead runs."""
