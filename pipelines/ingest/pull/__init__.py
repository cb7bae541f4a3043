"""What the platform's API shows becomes landing files: every version that was not landed before.

Files are complete before the state says that they are, so what a pull loses comes again.
"""
