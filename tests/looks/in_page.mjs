// What is asked within a page; each function stands alone, as it is sent there as text.

// show what is folded, so that it is looked at as well
export function openAll() {
  for (const part of document.querySelectorAll("details")) part.open = true;
}

// return pairs of kind and sentence: what leaves the page, what lies over what, faint drawn words
export function inspect() {
  const found = [];
  const root = document.scrollingElement, seen = root.clientWidth;
  if (root.scrollWidth > seen) {
    const wide = [...document.body.querySelectorAll("*")].filter(
      (part) => part.getBoundingClientRect().right > seen + 1 && !part.closest(".scroll"));
    const about = wide.slice(0, 3).map((part) => part.outerHTML.slice(0, 90));
    found.push(["overflow", `${root.scrollWidth} px in ${seen}: ${about.join(" · ")}`]);
  }
  const numbers = (colour) => (colour.match(/[\d.]+/g) ?? []).map(Number);
  const light = (colour) => {
    const [red, green, blue] = numbers(colour).slice(0, 3).map((part) => {
      const share = part / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const ground = (part) => {
    for (let at = part; at; at = at.parentElement) {
      const colour = getComputedStyle(at).backgroundColor;
      if ((numbers(colour)[3] ?? 1) === 1) return colour;
    }
    return matchMedia("(prefers-color-scheme: dark)").matches ? "rgb(18,18,18)" : "rgb(255,255,255)";
  };
  for (const picture of document.querySelectorAll("svg")) {
    if (!picture.checkVisibility()) continue;
    const words = [...picture.querySelectorAll("text")].map((part) => [part, part.getBoundingClientRect()]);
    const below = light(ground(picture));
    for (const [number, [part, box]] of words.entries()) {
      const said = part.textContent;
      if (box.left < -1 || box.right > seen + 1) found.push(["cut off", `“${said}” in ${picture.id || "a picture"}`]);
      for (const [other, their] of words.slice(number + 1)) {
        const wide = Math.min(box.right, their.right) - Math.max(box.left, their.left);
        const high = Math.min(box.bottom, their.bottom) - Math.max(box.top, their.top);
        if (wide > 1 && high > 4) found.push(["collision", `“${said}” and “${other.textContent}”, ${wide.toFixed(0)} × ${high.toFixed(0)} px`]);
      }
      const above = light(getComputedStyle(part).fill);
      const ratio = (Math.max(above, below) + 0.05) / (Math.min(above, below) + 0.05);
      if (ratio < 4.5) found.push(["contrast", `“${said}” ${ratio.toFixed(2)}`]);
    }
  }
  const unread = (part) => part && (getComputedStyle(part).clipPath !== "none" || unread(part.parentElement));
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const range = document.createRange(), broken = [];
  for (let text; (text = texts.nextNode()); ) {
    if (!text.parentElement.checkVisibility()) continue;
    for (const word of text.data.matchAll(/(?<![\p{L}\p{N}_])[\p{Script=Latin}\p{N}]{2,20}(?![\p{L}\p{N}_])/gu)) {
      range.setStart(text, word.index);
      range.setEnd(text, word.index + word[0].length);
      const lines = new Set([...range.getClientRects()].map((box) => Math.round(box.top)));
      if (lines.size > 1 && !unread(text.parentElement)) broken.push(`“${word[0]}” in ${text.parentElement.localName}`);
    }
  }
  if (broken.length) found.push(["broken words", `${broken.length}, ${[...new Set(broken)].slice(0, 6).join(", ")}`]);
  return found;
}

// follow the focus from the top on; return how many controls it is to reach
export function rememberFocus() {
  const controls = "a[href],button,input,select,textarea,summary,[tabindex]:not([tabindex='-1'])";
  const wanted = [...document.querySelectorAll(controls)].filter(
    (part) => part.checkVisibility({ visibilityProperty: true }) && !part.disabled);
  const reached = new Map();
  document.body.tabIndex = -1;
  document.body.focus({ preventScroll: true });
  document.body.removeAttribute("tabindex");
  window.looksFocus = { wanted, reached };
  document.addEventListener("focusin", ({ target }) => {
    const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(target);
    const marked = (outlineStyle !== "none" && parseFloat(outlineWidth) > 0) || boxShadow !== "none";
    if (!reached.has(target)) reached.set(target, marked);
  });
  const scrolled = [...document.querySelectorAll("*")].filter((part) => part.scrollWidth > part.clientWidth
    || part.scrollHeight > part.clientHeight).length;
  return wanted.length + scrolled; // as what scrolls is reached as well
}

// return what the focus did not reach, or reached unseen
export function forgetFocus() {
  const { wanted, reached } = window.looksFocus;
  const names = new Set([...reached.keys()].map((part) => part.type === "radio" && part.name).filter(Boolean));
  const missed = wanted.filter((part) => !reached.has(part) && !(part.type === "radio" && names.has(part.name)));
  const unseen = [...reached].filter(([, marked]) => !marked).map(([part]) => part);
  const about = (part) => part.outerHTML.slice(0, 90);
  return [...missed.map((part) => `not reached: ${about(part)}`), ...unseen.map((part) => `focus unseen: ${about(part)}`)];
}
