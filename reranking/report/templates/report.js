// Draws every figure when it comes into sight, for the theme of the reader, and for paper before printing.
(() => {
  "use strict";
  const PAPER = 680;
  const night = matchMedia("(prefers-color-scheme: dark)");
  const template = JSON.parse(document.getElementById("figure-template").textContent);
  const plots = [...document.querySelectorAll(".rl-plot")];
  const config = { displaylogo: false, responsive: true, toImageButtonOptions: { scale: 2 } };
  let printing = false;

  const figureOf = (plot) => {
    const { light, dark } = JSON.parse(plot.closest("figure").querySelector("script").textContent);
    if (night.matches && !printing) {
      for (const [path, value] of dark) {
        const inner = path.slice(0, -1).reduce((part, key) => part[key], light);
        inner[path.at(-1)] = value;
      }
    }
    light.layout.template = template;
    return light;
  };
  const draw = (plot) => {
    const { data, layout } = figureOf(plot);
    if (printing) layout.width = Math.max(PAPER, parseInt(plot.style.minWidth) || 0);
    plot.dataset.drawn = "yes";
    return Plotly.react(plot, data, layout, config);
  };
  const drawAgain = () => plots.filter((plot) => plot.dataset.drawn).forEach(draw);

  const seen = new IntersectionObserver((entries) => {
    for (const { isIntersecting, target } of entries) {
      if (!isIntersecting) continue;
      seen.unobserve(target);
      if (!target.dataset.drawn) draw(target);
    }
  }, { rootMargin: "600px" });
  plots.forEach((plot) => seen.observe(plot));
  night.addEventListener("change", drawAgain);

  let closed = [];
  addEventListener("beforeprint", () => {
    printing = true;
    closed = [...document.querySelectorAll("details:not([open])")];
    closed.forEach((part) => { part.open = true; });
    plots.forEach(draw);
  });
  addEventListener("afterprint", () => {
    printing = false;
    closed.forEach((part) => { part.open = false; });
    drawAgain();
  });

  // A link to something in a closed part opens it.
  const open = () => {
    let part = document.getElementById(location.hash.slice(1));
    const target = part;
    for (; part; part = part.parentElement) if (part.tagName === "DETAILS") part.open = true;
    target?.scrollIntoView();
  };
  addEventListener("hashchange", open);
  open();
})();
