// Small parts that both pages draw with.
const SHAPES = { doubtful: "◐", corrected: "↻", placed: "▢", ok: "", unreadable: "✖", blank: "▢", seen: "✔" };
const RATIO = Math.SQRT2; // A4

function element(tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

function button(label, act, { key, kind = "" } = {}) {
  const made = element("button", kind);
  made.type = "button";
  if (key) made.append(element("kbd", "", key));
  made.append(label);
  made.addEventListener("click", act);
  return made;
}

// « {n} feuilles »: words come as [one, several]; French counts 0 and 1 as one.
function several(words, n, more = {}) {
  return fill(words[Math.abs(n) < 2 ? 0 : 1], { n: n.toLocaleString("fr-FR"), ...more });
}

function fill(text, values) {
  return text.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? values[name] : whole));
}

function levelOf(half, model) {
  if (model.isSeen(half)) return "seen";
  if (half.place === "unreadable" || half.reasons.includes("unreadable")) return "unreadable";
  if (half.level === "doubtful") return "doubtful";
  return half.place === "blank" ? "blank" : half.level;
}

function thumbAddress(half) {
  return half.thumb || `/files/halves/${half.id}.jpg`;
}

function pageAddress(half) {
  return `/files/halves/${half.id}/page.jpg?turn=${half.image.rotation}`;
}

// A thumbnail is kept as the scanner fed it: turning a page asks for no other picture.
function thumb(half, { width, where = "list" }) {
  const frame = element("span", "frame");
  const height = Math.round(width * RATIO);
  frame.style.width = `${width}px`;
  frame.style.height = `${height}px`;
  const picture = Pictures.of(`${where}${half.id}`, thumbAddress(half));
  const lying = half.image.rotation % 180 !== 0;
  picture.style.width = `${lying ? height : width}px`;
  picture.style.height = `${lying ? width : height}px`;
  picture.style.transform = `translate(-50%, -50%) rotate(${half.image.rotation}deg)`;
  frame.append(picture);
  return frame;
}

function pageButton(desk, half, { width, where = "list" }) {
  const made = element("button", `page ${half.place}`);
  made.type = "button";
  made.tabIndex = -1;
  made.dataset.half = half.id;
  const level = levelOf(half, desk.model);
  made.classList.add(level);
  made.append(thumb(half, { width, where }));
  const tag = element("span", "tag");
  // Its rank in the booklet, then the side of the sheet it is on.
  if (where === "list" && half.position) tag.append(element("b", "rank", String(half.position)));
  if (half.page) tag.append(element("b", "", half.page));
  if (SHAPES[level]) tag.append(element("i", "", SHAPES[level]));
  if (half.page_mark) tag.append(element("em", "", half.page_mark));
  made.append(tag);
  made.setAttribute("aria-label", desk.spoken(half));
  made.title = desk.reasonsOf(half).join(" · ");
  return made;
}

// The header as it was written; on a late answer nothing moves, its place is kept.
function headerCrop(booklet, where = "list") {
  const frame = element("span", "crop");
  if (booklet.header && typeof booklet.id === "number") {
    const picture = Pictures.of(`${where} header${booklet.id}`, `/files/headers/${booklet.id}.jpg`);
    frame.append(picture);
  }
  return frame;
}
