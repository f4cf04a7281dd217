"""Charts as SVG made on the server: they show before any script runs, print well, and need no inline style.

Every chart comes twice, for wide pages and for phones, because a picture that shrinks takes its labels with it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from markupsafe import Markup, escape

from shopify_app.web.axes import Frame, columns, day_label, day_ticks, round_ticks, short


@dataclass(frozen=True)
class Day:
    """One day of a forecast chart; what is not known is None."""

    on: date
    actual: float | None = None
    said: float | None = None
    """What had been forecast for it beforehand."""
    expected: float | None = None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Night:
    """One evening's accuracy, as a share; `baseline` is that of repeating last week."""

    on: date
    accuracy: float | None
    baseline: float | None = None


@dataclass(frozen=True)
class Mark:
    """A change worth seeing in a chart."""

    on: date
    label: str
    text: str


@dataclass(frozen=True)
class Picture:
    """A finished chart: for wide pages, and for phones."""

    wide: Markup
    narrow: Markup


SIZES = {"wide": (1000, 300), "half": (620, 260), "narrow": (380, 260)}


def forecast(days: Sequence[Day], marks: Sequence[Mark], *, name: str, title: str, told: str) -> Picture:
    """Units per day: sold, forecast beforehand, and expected with the range that should hold four days in five."""
    ticks = round_ticks(0.0, _top(days))

    def draw(size: str) -> Markup:
        frame = _frame(size, days[0].on, days[-1].on, ticks, room_above=26)
        parts = [_grid(frame, ticks, short), _coming(frame, days), _band(frame, days)]
        parts += [_line(frame, days, what) for what in ("said", "expected", "actual")]
        return _svg(frame, f"{name}-{size}", title, told, [*parts, _marks(frame, marks)])

    return Picture(draw("wide"), draw("narrow"))


def numbers(days: Sequence[Day], marks: Sequence[Mark]) -> dict[str, Any]:
    """The same chart as columns, for the script that reads days out: days in seconds, unknown values as null."""
    names = ("actual", "said", "expected", "low", "high")
    columns = {name: [_short(getattr(day, name)) for day in days] for name in names}
    flags = [{"day": _seconds(mark.on), "label": mark.label} for mark in marks]
    top = round_ticks(0.0, _top(days))[-1]
    return {"days": [_seconds(day.on) for day in days], **columns, "marks": flags, "top": top}


def accuracy(
    nights: Sequence[Night], target: float | None, marks: Sequence[Mark], *, name: str, title: str, told: str
) -> Picture:
    """Accuracy evening by evening, against repeating last week and against the shop's target."""
    seen = [v for night in nights for v in (night.accuracy, night.baseline) if v is not None]
    low = min([*seen, target if target is not None else 1.0, 0.6])
    ticks = round_ticks(max(low, 0.0), 1.0)

    def draw(size: str) -> Markup:
        frame = _frame(size, nights[0].on, nights[-1].on, ticks, room_above=26)
        parts = [_grid(frame, ticks, _percent)]
        if target is not None:
            parts.append(_rule(frame, target))
        parts += [_line(frame, nights, what) for what in ("baseline", "accuracy")]
        return _svg(frame, f"{name}-{size}", title, told, [*parts, _marks(frame, marks)])

    return Picture(draw("half"), draw("narrow"))


def sparkline(values: Sequence[float], told: str) -> Markup:
    """A trend the size of a word; the last value has a dot."""
    if not values:
        return Markup("")
    width, height, top = 96, 24, max(*values, 1.0)
    step = (width - 6) / max(len(values) - 1, 1)
    points = [(3 + n * step, height - 3 - value / top * (height - 6)) for n, value in enumerate(values)]
    path = "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
    x, y = points[-1]
    return Markup(
        f'<svg class="spark" viewBox="0 0 {width} {height}" role="img" aria-label="{escape(told)}">'
        f'<path class="line-actual" d="{path}"/><circle class="dot-actual" cx="{x:.1f}" cy="{y:.1f}" r="2"/></svg>'
    )


def _top(days: Sequence[Day]) -> float:
    return max([1.0, *(v for day in days for v in (day.actual, day.said, day.high) if v is not None)])


def _seconds(day: date) -> int:
    return (day - date(1970, 1, 1)).days * 86400


def _short(value: float | None) -> float | None:
    return None if value is None else round(value, 6)


def _frame(size: str, first: date, last: date, ticks: Sequence[float], room_above: int) -> Frame:
    width, height = SIZES[size]
    return Frame(
        width, height, 46, 12, room_above, 28, first, max(last, first + timedelta(days=1)), ticks[0], ticks[-1]
    )


def _svg(frame: Frame, name: str, title: str, told: str, parts: Sequence[Markup]) -> Markup:
    return (
        Markup(
            f'<svg class="plot" viewBox="0 0 {frame.width} {frame.height}" role="img"'
            f' aria-labelledby="{name}-title {name}-told">'
            f'<title id="{name}-title">{escape(title)}</title><desc id="{name}-told">{escape(told)}</desc>'
        )
        + Markup("").join(parts)
        + Markup("</svg>")
    )


def _grid(frame: Frame, ticks: Sequence[float], label: Callable[[float], str]) -> Markup:
    parts = []
    for tick in ticks:
        y, kind = frame.y(tick), "axis" if tick == ticks[0] else "grid"
        parts.append(f'<path class="{kind}" d="M{frame.left} {y:.1f}H{frame.width - frame.right}"/>')
        parts.append(f'<text class="tick end" x="{frame.left - 8}" y="{y + 4:.1f}">{label(tick)}</text>')
    room = (frame.width - frame.left - frame.right) // 62
    for day, text in day_ticks(frame.first, frame.last, room):
        x = frame.x(day)
        parts.append(f'<path class="axis" d="M{x:.1f} {frame.height - frame.bottom}v4"/>')
        if frame.left + 12 <= x <= frame.width - 26:
            parts.append(f'<text class="tick middle" x="{x:.1f}" y="{frame.height - 8}">{text}</text>')
    return Markup("".join(parts))


def _coming(frame: Frame, days: Sequence[Day]) -> Markup:
    """The days that are still to come, on a tinted ground."""
    ahead = [day.on for day in days if day.expected is not None]
    if not ahead:
        return Markup("")
    x, bottom = frame.x(ahead[0], -0.5), frame.height - frame.bottom
    width = frame.width - frame.right - x
    label = f"next {len(ahead)} days" if width > 70 else ""
    return Markup(
        f'<rect class="coming" x="{x:.1f}" y="{frame.top}" width="{width:.1f}" height="{bottom - frame.top}"/>'
        f'<path class="now" d="M{x:.1f} {frame.top}V{bottom}"/>'
        f'<text class="note" x="{x + 6:.1f}" y="{frame.top + 13}">{label}</text>'
    )


def _band(frame: Frame, days: Sequence[Day]) -> Markup:
    inside = [(frame.x(d.on), d.low, d.high) for d in days if d.low is not None and d.high is not None]
    if len(inside) < 2:
        return Markup("")
    upper = [f"{x:.1f} {frame.y(high):.1f}" for x, _, high in inside]
    lower = [f"{x:.1f} {frame.y(low):.1f}" for x, low, _ in reversed(inside)]
    return Markup(f'<path class="band" d="M{"L".join(upper + lower)}Z"/>')


def _line(frame: Frame, points: Sequence[Day] | Sequence[Night], what: str) -> Markup:
    """One line, broken where a value is missing; a value alone between gaps is a dot."""
    values = [getattr(point, what) for point in points]
    runs: list[list[str]] = [[]]
    for n in columns(values):
        if values[n] is None:
            runs.append([])
        else:
            runs[-1].append(f"{frame.x(points[n].on):.1f} {frame.y(values[n]):.1f}")
    path = "".join("M" + "L".join(run if len(run) > 1 else run * 2) for run in runs if run)
    return Markup(f'<path class="line-{what}" d="{path}"/>') if path else Markup("")


def _rule(frame: Frame, value: float) -> Markup:
    y = frame.y(value)
    return Markup(f'<path class="rule-target" d="M{frame.left} {y:.1f}H{frame.width - frame.right}"/>')


def _marks(frame: Frame, marks: Sequence[Mark]) -> Markup:
    """A flag above the chart where another version took over. Where labels would touch, the newest one is kept."""
    parts, free = [], float(frame.width)
    for mark in reversed(marks):
        x = frame.x(mark.on, -0.5)
        if not frame.left <= x <= frame.width - frame.right:
            continue
        hint, fits = f"{day_label(mark.on)}: {mark.text}", x + 10 + 6.5 * len(mark.label) <= free
        label = f'<text class="flag" x="{x + 6:.1f}" y="{frame.top - 4}">{escape(mark.label)}</text>' if fits else ""
        parts.append(
            f'<g class="mark"><title>{escape(hint)}</title>'
            f'<path d="M{x:.1f} {frame.top - 8}V{frame.height - frame.bottom}"/>'
            f'<circle cx="{x:.1f}" cy="{frame.top - 8}" r="3"/>{label}</g>'
        )
        free = x - 4
    return Markup("".join(parts))


def _percent(share: float) -> str:
    return f"{share:.0%}"
