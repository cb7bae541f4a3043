"""Proposes definitions and sources: from files, and from the configuration of the platform.

A proposal is for a person to check and correct; nothing here is used to apply definitions.
"""
