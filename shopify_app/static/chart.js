/* A chart with uPlot in place of its SVG: the same picture, with a cursor that reads days out, by mouse or arrow keys,
   and a closer look by dragging. Without uPlot the SVG stays. */
const DAY = 86400;
const HINT = "Point at a day, or use the arrow keys, to read it. Drag for a closer look, double-click for all of it.";
const COLOURS = { actual: "#303030", said: "#4d8bc2", expected: "#1f6fb2", band: "rgba(31, 111, 178, 0.17)" };
const FONT = '11px Inter, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif';
const count = new Intl.NumberFormat("en", { maximumFractionDigits: 1 });
/* As the table beside the chart has them: see words.py. */
const units = (value) => count.format(value >= 10 ? Math.round(value) : value);
const least = (value) => count.format(Math.floor(value));
const most = (value) => count.format(Math.ceil(value - 0.05));
const WEEKDAYS = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const calendar = (seconds) => new Date(seconds * 1000);
const monthday = (seconds) => `${calendar(seconds).getUTCDate()} ${MONTHS[calendar(seconds).getUTCMonth()]}`;

const told = (data, at) => {
  const parts = [["sold", data.actual[at]], ["forecast beforehand", data.said[at]], ["expected", data.expected[at]]]
    .filter(([, value]) => value !== null)
    .map(([name, value]) => `${name} ${units(value)}`);
  if (data.low[at] !== null) parts.push(`likely ${least(data.low[at])} to ${most(data.high[at])}`);
  return `${WEEKDAYS[calendar(data.days[at]).getUTCDay()]} ${monthday(data.days[at])}: ${parts.join(", ") || "nothing known"}`;
};

/* Every day, or Mondays, or every other Monday …: whatever has room, none at the very edges. */
const ticks = (plot, _, low, high) => {
  const room = Math.max(Math.floor(plot.width / 70), 2);
  const edge = ((high - low) / plot.width) * 16;
  const days = [];
  for (let day = Math.ceil((low + edge) / DAY) * DAY; day <= high - edge; day += DAY) days.push(day);
  if (days.length <= room) return days;
  const mondays = days.filter((day) => calendar(day).getUTCDay() === 1);
  const step = Math.ceil(mondays.length / room);
  return mondays.filter((_, n) => n % step === 0);
};

/* The days to come on a tinted ground, below the lines. */
const ground = (data) => (plot) => {
  const first = data.expected.findIndex((value) => value !== null);
  if (first < 0) return;
  const { ctx, bbox } = plot;
  const from = Math.max(plot.valToPos(data.days[first] - DAY / 2, "x", true), bbox.left);
  ctx.save();
  ctx.fillStyle = "#f6f9fc";
  ctx.fillRect(from, bbox.top, Math.max(bbox.left + bbox.width - from, 0), bbox.height);
  ctx.restore();
};

/* Flags where another version took over; where labels would touch, the newest one is kept. */
const flags = (data) => (plot) => {
  const { ctx, bbox } = plot;
  const scale = devicePixelRatio;
  let free = bbox.left + bbox.width;
  ctx.save();
  ctx.font = FONT.replace("11px", `${11 * scale}px`);
  ctx.textAlign = "left";
  for (const { day, label } of [...data.marks].reverse()) {
    const x = plot.valToPos(day - DAY / 2, "x", true);
    if (x < bbox.left || x > bbox.left + bbox.width) continue;
    ctx.strokeStyle = "#a8a8a8";
    ctx.fillStyle = "#8a8a8a";
    ctx.lineWidth = scale;
    ctx.setLineDash([scale, 3 * scale]);
    ctx.beginPath();
    ctx.moveTo(x, bbox.top - 8 * scale);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
    ctx.beginPath();
    ctx.arc(x, bbox.top - 8 * scale, 3 * scale, 0, 7);
    ctx.fill();
    ctx.fillStyle = "#5f5f5f";
    if (x + 10 * scale + ctx.measureText(label).width <= free) ctx.fillText(label, x + 6 * scale, bbox.top - 4 * scale);
    free = x - 4 * scale;
  }
  ctx.restore();
};

const options = (data, size, say) => {
  const line = (stroke, more) => ({ stroke, width: 2, points: { show: false }, ...more });
  const plain = { stroke: "#5f5f5f", font: FONT, grid: { stroke: "#ebebeb", width: 1 } };
  const bottom = { ...plain, size: 28, gap: 4, grid: { show: false }, splits: ticks, ticks: { stroke: "#c9c9c9", size: 4 } };
  const left = { ...plain, size: 46, gap: 4, space: 44, ticks: { show: false }, values: (_, at) => at.map((v) => count.format(v)) };
  return {
    ...size,
    padding: [26, 12, 0, 0],
    tzDate: (seconds) => uPlot.tzDate(calendar(seconds), "UTC"),
    legend: { show: false },
    cursor: { y: false, points: { size: 6 } },
    scales: { y: { range: [0, data.top] } },
    axes: [{ ...bottom, values: (_, at) => at.map(monthday) }, left],
    series: [
      {},
      line(COLOURS.actual, { width: 1.75 }),
      line(COLOURS.said, { dash: [1, 4.5], cap: "round" }),
      line(COLOURS.expected),
      line("transparent"),
      line("transparent"),
    ],
    bands: [{ series: [5, 4], fill: COLOURS.band }],
    hooks: { drawClear: [ground(data)], draw: [flags(data)], setCursor: [(plot) => say(plot.cursor.idx)] },
  };
};

export const chart = (holder) => {
  const data = JSON.parse(document.getElementById(holder.dataset.chart).textContent);
  const [canvas, readout] = [holder.querySelector(".canvas"), holder.querySelector(".readout")];
  const { width, height } = canvas.getBoundingClientRect();
  if (!window.uPlot || !width || canvas.querySelector(".uplot")) return;
  const say = (at) => (readout.textContent = at === null || at === undefined ? HINT : told(data, at));
  const columns = [data.days, data.actual, data.said, data.expected, data.low, data.high];
  const name = canvas.querySelector("svg > title").textContent;
  canvas.replaceChildren();
  const plot = new uPlot(options(data, { width, height }, say), columns, canvas);
  canvas.tabIndex = 0;
  canvas.setAttribute("role", "application");
  canvas.setAttribute("aria-label", `${name}. The arrow keys read single days; the numbers follow as a table.`);
  canvas.addEventListener("keydown", (event) => {
    const last = data.days.length - 1;
    const from = plot.cursor.idx ?? last;
    const to = { ArrowLeft: from - 1, ArrowRight: from + 1, Home: 0, End: last, PageUp: from - 7, PageDown: from + 7 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    plot.setCursor({ left: plot.valToPos(data.days[Math.min(Math.max(to, 0), last)], "x"), top: height / 2 });
  });
  say(null);
  new ResizeObserver(() => plot.setSize({ width: canvas.clientWidth, height })).observe(canvas);
};
