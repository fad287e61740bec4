"""What confirm does to a night's result, by the kind of its metrics; `bot.night.confirm` opens and closes it."""
