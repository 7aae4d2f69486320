"""Servers of a tiny model, each with real connections on a port of its own."""

from __future__ import annotations

import io
import threading
from contextlib import contextmanager

import httpx
import numpy as np
from PIL import Image

from edgekit.serve.answers import load_models
from edgekit.serve.app import PhotoService
from edgekit.serve.kept import PhotoKeeper
from edgekit.serve.options import ServeConfig
from edgekit.serve.server import PhotoServer

TOKEN = "a-token-of-24-characters"


def photo(red=255, green=0, blue=0, *, size=(80, 60), kind="JPEG", **saved):
    """The file of a photo of one colour."""
    written = io.BytesIO()
    Image.fromarray(np.full((size[1], size[0], 3), (red, green, blue), np.uint8)).save(written, kind, **saved)
    return written.getvalue()


def half_red():
    """A photo whose left half is red, on which the model's "genuine" rests."""
    picture = Image.new("RGB", (96, 96), (120, 120, 120))
    picture.paste((255, 0, 0), (0, 0, 48, 96))
    written = io.BytesIO()
    picture.save(written, "PNG")
    return written.getvalue()


class Served:
    """A server that runs, and a client of it.

    Attributes:
        address: Where it is.
        ask: An httpx client.
        service: The application.
    """

    def __init__(self, model, config, folder=None):
        models = load_models(model, config)
        self.service = PhotoService(
            models, config, None if folder is None else PhotoKeeper(folder, config, models.sha256)
        )
        self._server = PhotoServer(self.service.app, config)
        self.address = self._server.address
        self.port = int(self.address.rsplit(":", 1)[1].strip("/"))
        self._thread = threading.Thread(target=self._server.serve)
        self._thread.start()
        self.ask = httpx.Client(base_url=self.address, timeout=30)

    def classify(self, *photos, **query):
        """The answer to some photos, as a form."""
        files = [("photo", one if isinstance(one, tuple) else ("photo.jpg", one)) for one in photos]
        return self.ask.post("/v1/classify", files=files, params=query)

    def close(self):
        self.ask.close()
        self._server.stop()
        self._thread.join()
        self._server.close()
        self.service.close()


@contextmanager
def serving(model, folder=None, **options):
    served = Served(model, ServeConfig(port=0, **options), folder)
    try:
        yield served
    finally:
        served.close()
