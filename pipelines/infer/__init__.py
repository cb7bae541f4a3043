"""Proposes a procedure definition from landing files: `leadtime check --infer FILE`.

What a definition must say is in `schemas/`. A proposal is for a person to read and mend: nothing
here is used when a definition is applied.
"""
