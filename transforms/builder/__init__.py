"""Orders the SQL files and runs them."""
