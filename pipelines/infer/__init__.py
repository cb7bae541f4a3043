"""Proposes a procedure definition from landing files: `leadtime check --infer FILE`.

A proposal is for a person to check and correct; nothing here is used to apply definitions.
"""
