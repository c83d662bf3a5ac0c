// What a page looks like, measured in the browser. Each function gives the places where something is wrong.
(() => {
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  const shown = (element) =>
    element.getClientRects().length > 0 && element.checkVisibility({checkOpacity: true, checkVisibilityCSS: true});
  const own = (element) =>
    [...element.childNodes].filter((node) => node.nodeType === 3).map((node) => node.data).join("").trim();
  const isSvg = (element) => element.namespaceURI.endsWith("svg");
  const named = (element) => {
    const text = (element.dataset?.path ?? element.textContent).trim().slice(0, 60);
    return `${element.tagName}.${element.getAttribute("class") ?? ""}: ${text}`;
  };
  const texts = () => all("body *").filter((element) =>
    own(element) && shown(element) && !["SCRIPT", "STYLE", "title", "desc"].includes(element.tagName));
  const marks = () => all("[data-value]");

  const parts = (colour) => colour.match(/[\d.]+/g).map(Number);
  const luminance = (colour) => {
    const [red, green, blue] = parts(colour).slice(0, 3).map((part) => part / 255)
      .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const ground = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const colour = getComputedStyle(at).backgroundColor;
      if ((parts(colour)[3] ?? 1) > 0.9) return colour;
    }
    return "rgb(255, 255, 255)";
  };

  window.looks = {
    // Elements wider than the window, where the page could be scrolled sideways.
    overflow() {
      if (document.documentElement.scrollWidth <= window.innerWidth) return [];
      return all("body *").filter((each) => each.getBoundingClientRect().right > window.innerWidth + 1).map(named);
    },

    // Texts of charts outside of their figure or over one another, and texts in boxes that hide a part of them.
    cutOff() {
      const outside = all("figure").flatMap((figure) => {
        const frame = figure.getBoundingClientRect();
        return all("svg.drawing text", figure).filter(shown).filter((text) => {
          const box = text.getBoundingClientRect();
          return box.left < frame.left || box.right > frame.right || box.top < frame.top || box.bottom > frame.bottom;
        });
      });
      const hidden = texts().filter((each) => !isSvg(each) && each.scrollWidth > each.clientWidth &&
        ["hidden", "clip"].includes(getComputedStyle(each).overflowX));
      return [...outside, ...hidden].map(named);
    },

    // Pairs of chart texts that lie over one another.
    overlaps() {
      return all("svg.drawing").flatMap((drawing) => {
        const boxes = all("text", drawing).filter(shown).map((text) => [text, text.getBoundingClientRect()]);
        return boxes.flatMap(([one, a], index) => boxes.slice(index + 1)
          .filter(([, b]) => Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1 &&
            Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 3)
          .map(([other]) => `${named(one)} over ${named(other)}`));
      });
    },

    // Texts below so many pixels.
    smallText(least) {
      return texts().filter((each) => parseFloat(getComputedStyle(each).fontSize) < least).map(named);
    },

    // Texts with less contrast to what is behind them than WCAG 2.2 asks: 4.5:1, large ones 3:1.
    lowContrast() {
      return texts().filter((each) => {
        const style = getComputedStyle(each);
        const [front, back] = [luminance(isSvg(each) ? style.fill : style.color), luminance(ground(each))];
        const contrast = (Math.max(front, back) + 0.05) / (Math.min(front, back) + 0.05);
        const size = parseFloat(style.fontSize);
        const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
        return contrast < (large ? 3 : 4.5);
      }).map(named);
    },

    isDark() {
      return luminance(getComputedStyle(document.body).backgroundColor) < 0.2;
    },

    count() {
      return marks().length;
    },

    // Marks whose value is not what the page's JSON has at their place.
    wrongValues() {
      const data = JSON.parse(document.getElementById("data").textContent);
      const at = (path) => path.split("/").slice(1).reduce((part, key) => part[key], data);
      return marks().filter((mark) => Number(at(mark.dataset.path)) !== Number(mark.dataset.value)).map(named);
    },

    // Bars of a stacked chart that are longer or shorter than their value, by the longest of them.
    barsOutOfScale(figure, pixels) {
      const bars = all(`#${figure} rect.part[data-value]:not(.unknown)`);
      const value = (bar) => Number(bar.dataset.value);
      const width = (bar) => bar.getBoundingClientRect().width;
      const longest = bars.reduce((best, bar) => (value(bar) > value(best) ? bar : best));
      const scale = width(longest) / value(longest);
      return bars.filter((bar) => Math.abs(width(bar) - scale * value(bar)) > pixels).map(named);
    },

    // Dots of a line chart that are not where their value is, by the highest and the lowest of them.
    dotsOutOfScale(figure, logarithmic, pixels) {
      const value = (dot) => (logarithmic ? Math.log10(Number(dot.dataset.value)) : Number(dot.dataset.value));
      const height = (dot) => {
        const box = dot.getBoundingClientRect();
        return box.top + box.height / 2;
      };
      const dots = all(`#${figure} circle[data-value]`).sort((one, other) => value(one) - value(other));
      const [low, high] = [dots[0], dots[dots.length - 1]];
      const share = (dot) => (value(dot) - value(low)) / (value(high) - value(low));
      const place = (dot) => height(low) + (height(high) - height(low)) * share(dot);
      return dots.filter((dot) => Math.abs(place(dot) - height(dot)) > pixels).map(named);
    },
  };
})();
