"""What `run` is made of: who is asked, how an attempt is judged, when it ends."""
