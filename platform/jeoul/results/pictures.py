"""A chart's SVG as PNG, for slides.

    python -m jeoul.results.pictures < chart.svg > chart.png

Made when somebody asks, in a process of its own: the renderer takes 130 MB, which no web process
should keep, and a picture that nobody wants needs no time of the analysis.
"""

import subprocess
import sys
from typing import Final

FONT: Final = "system-ui, 'Noto Sans CJK KR', sans-serif"
# The renderer measures with one font: a family of 65,535 glyphs named there made each chart take
# fifteen times as long. Browsers get the whole list.
MEASURED: Final = "sans-serif"
_MOST_SECONDS: Final = 60


def named(font: str) -> str:
    """How an SVG names its font."""
    return f'font-family="{font}"'


def to_png(svg: str) -> bytes:
    """The picture at twice the chart's size; raises CalledProcessError."""
    command = [sys.executable, "-m", "jeoul.results.pictures"]
    given = svg.replace(named(FONT), named(MEASURED)).encode()
    done = subprocess.run(  # noqa: S603  our own module, the SVG goes by stdin
        command, input=given, capture_output=True, check=True, timeout=_MOST_SECONDS
    )
    return done.stdout


if __name__ == "__main__":
    import vl_convert

    sys.stdout.buffer.write(vl_convert.svg_to_png(sys.stdin.read(), scale=2))
