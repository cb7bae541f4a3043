"""What one line of a landing file must hold: the pandera schemas and their rules."""
