"""Erasing personal values: in raw tables, in landing files, and in lines that arrive later.

Ids, states, times and values declared `personal: no` stay, so that no figure changes.
"""
