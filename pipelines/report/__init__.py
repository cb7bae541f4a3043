"""The one-page report on a procedure: what is in it, and how it looks in a terminal and as HTML.

What the numbers mean is said in the published database, which is all that is read here.
"""
