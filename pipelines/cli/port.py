"""The port that a command serves on."""

import socket

from pipelines.warehouse.file_errors import NOT_PERMITTED
from schemas.errors import OperationError


def require_free(port: int) -> None:
    """Raise `OperationError` when the port is taken, or not permitted to this user."""
    with socket.socket() as trial:
        # As servers do: a port that was closed a moment ago is free.
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind(("127.0.0.1", port))
        except OSError as error:
            found, action = "is taken", "Is this command running already? Choose another"
            if error.errno in NOT_PERMITTED:
                found, action = "is not permitted to this user", "Choose one from 1024 on"
            raise OperationError("--port", f"{port} {found}", f"{action}.") from error
