"""What one line of a landing file must hold: the pandera schemas and their rules."""

import warnings

# Where PySpark is installed Pandera loads it, for data frames that are not used here.
warnings.filterwarnings("ignore", "PySpark does not yet fully support", FutureWarning)
