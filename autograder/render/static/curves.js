// Curves that can be read off: a legend whose buttons hide a series, values under the pointer or at
// the arrow keys' place. Without this script the same figures show a picture and their numbers.
(() => {
  "use strict";
  const DASHES = [[], [7, 3], [2, 3], [9, 3, 2, 3], [4, 2], [1, 2]];
  const HEIGHT = 300;

  const number = (value) => (Number.isFinite(Number(value)) ? Number(value) : null);
  const shown = (value) => (value == null ? "–" : Number(value.toPrecision(4)).toString());
  const make = (tag, properties, ...children) => {
    const element = Object.assign(document.createElement(tag), properties);
    element.append(...children);
    return element;
  };

  function draw(figure) {
    const curve = JSON.parse(figure.dataset.curve);
    const picture = figure.querySelector(".gm-plot");
    const colour = (name) => getComputedStyle(figure).getPropertyValue(`--gm-${name}`).trim();

    const tables = curve.series.map((s) => [s.x.map(number), s.y.map(number)]);
    if (curve.band) {
      tables.push([curve.band.x.map(number), curve.band.high.map(number), curve.band.low.map(number)]);
    }
    if (!tables.length) return;
    const data = uPlot.join(tables.map((table) => sorted(table)));
    const values = data.slice(1).flat().filter((value) => value != null);
    if (!values.length) return;
    const log = curve.log && values.every((value) => value > 0);

    const readings = [];
    const where = make("output", { className: "gm-legend-x" });
    const buttons = curve.series.map((s, index) => {
      const reading = make("b", { textContent: "" });
      readings.push(reading);
      const button = make(
        "button",
        { type: "button" },
        make("i", { className: `gm-key gm-key-${index % DASHES.length}` }),
        s.name,
        " ",
        reading,
      );
      button.setAttribute("aria-pressed", "true");
      return button;
    });
    const holder = make("div", { className: "gm-chart", tabIndex: 0 });
    holder.setAttribute("role", "img");
    holder.setAttribute("aria-label", picture.getAttribute("aria-label") + " Arrow keys move along it.");
    const legend = make("div", { className: "gm-legend" }, ...buttons, where);
    legend.setAttribute("role", "group");
    legend.setAttribute("aria-label", `Series of ${curve.title}`);
    picture.before(make("p", { className: "gm-chart-title", textContent: curve.title }), legend, holder);

    const marks = curve.marks.map((mark) => ({ at: Number(mark.x), text: `${curve.x} ${mark.x}: ${mark.label}` }));
    const options = {
      width: holder.clientWidth,
      height: HEIGHT,
      legend: { show: false },
      padding: [8 + 16 * marks.length, 12, 0, 0],
      cursor: { y: false },
      scales: {
        x: { time: false },
        y: { distr: log ? 3 : 1, range: (_, low, high) => (log ? [low / 1.2, high * 1.2] : uPlot.rangeNum(low, high, 0.08, true)) },
      },
      axes: [
        axis(curve.x, { size: 30 }),
        axis(log ? `${curve.y} (logarithmic)` : curve.y, { size: 50, values: (_, ticks) => ticks.map(tickLabel) }),
      ],
      series: [
        {},
        ...curve.series.map((s, index) => ({
          label: s.name,
          stroke: () => colour(`s${index % DASHES.length}`),
          dash: DASHES[index % DASHES.length],
          width: 2,
          points: { show: false },
          spanGaps: true,
        })),
        ...(curve.band ? [{ stroke: "transparent", points: { show: false } }, { stroke: "transparent", points: { show: false } }] : []),
      ],
      bands: curve.band
        ? [{ series: [curve.series.length + 1, curve.series.length + 2], fill: () => colour("band") }]
        : [],
      hooks: {
        setCursor: [(plot) => read(plot)],
        draw: [(plot) => marks.forEach((mark, row) => drawMark(plot, mark, row))],
      },
    };
    const plot = new uPlot(options, data, holder);
    picture.setAttribute("hidden", "");

    buttons.forEach((button, index) => {
      button.addEventListener("click", () => {
        const show = button.getAttribute("aria-pressed") !== "true";
        button.setAttribute("aria-pressed", String(show));
        plot.setSeries(index + 1, { show });
      });
    });
    holder.addEventListener("keydown", (event) => {
      const step = { ArrowLeft: -1, ArrowRight: 1, Home: -Infinity, End: Infinity }[event.key];
      if (!step) return;
      event.preventDefault();
      const last = data[0].length - 1;
      const index = Math.min(Math.max((plot.cursor.idx ?? -1) + step, 0), last);
      plot.setCursor({ left: plot.valToPos(data[0][index], "x"), top: plot.over.clientHeight / 2 });
    });
    new ResizeObserver(() => plot.setSize({ width: holder.clientWidth, height: HEIGHT })).observe(holder);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => plot.redraw(false, true));

    // On a logarithmic axis only 1, 2 and 5 times the powers of ten are named.
    function tickLabel(tick) {
      if (tick == null || (log && !/^[125]e/.test(tick.toExponential()))) return "";
      return shown(tick);
    }

    function axis(label, more) {
      return {
        label,
        labelSize: 18,
        font: "12px system-ui, sans-serif",
        labelFont: "12px system-ui, sans-serif",
        stroke: () => colour("muted"),
        grid: { stroke: () => colour("border"), width: 1 },
        ticks: { stroke: () => colour("border"), width: 1 },
        ...more,
      };
    }

    function read(plot) {
      const index = plot.cursor.idx;
      where.textContent = index == null ? "" : `${curve.x} ${data[0][index]}`;
      readings.forEach((reading, at) => {
        reading.textContent = index == null ? "" : shown(data[at + 1][index]);
      });
    }

    function drawMark(plot, mark, row) {
      const { ctx, bbox } = plot;
      const ratio = devicePixelRatio;
      const x = plot.valToPos(mark.at, "x", true);
      if (x < bbox.left - 1 || x > bbox.left + bbox.width + 1) return;
      const y = bbox.top - (6 + 16 * (marks.length - 1 - row)) * ratio;
      ctx.save();
      ctx.strokeStyle = ctx.fillStyle = colour("warn");
      ctx.lineWidth = 1.5 * ratio;
      ctx.setLineDash([4 * ratio, 3 * ratio]);
      ctx.beginPath();
      ctx.moveTo(x, y + 3 * ratio);
      ctx.lineTo(x, bbox.top + bbox.height);
      ctx.stroke();
      ctx.font = `${12 * ratio}px system-ui, sans-serif`;
      const width = ctx.measureText(mark.text).width;
      const left = Math.max(bbox.left, Math.min(x, bbox.left + bbox.width - width));
      ctx.textAlign = "left";
      ctx.fillText(mark.text, left, y, bbox.width);
      ctx.restore();
    }
  }

  // uPlot wants ascending x without gaps in it.
  function sorted([xs, ...columns]) {
    const order = xs.map((_, i) => i).filter((i) => xs[i] != null).sort((a, b) => xs[a] - xs[b]);
    return [xs, ...columns].map((column) => order.map((i) => column[i]));
  }

  document.querySelectorAll(".gm-curve").forEach(draw);
})();
