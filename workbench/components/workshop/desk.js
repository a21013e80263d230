// What both pages share: the state, the keys, the line that asks, the line that tells.
const TYPING = /^(INPUT|TEXTAREA|SELECT)$/;

class Desk {
  constructor(root) {
    this.root = root;
    this.part = (name) => root.querySelector(`[data-part="${name}"]`);
    this.store = new Store(() => this.refresh(), (text, tone) => this.tell(text, tone));
    this.viewer = new Viewer(this.part("viewer"), this);
    this.cursor = null;
    this.prompt = null;
    this.onKey = (event) => this.key(event);
    // Before Streamlit's own keys (C and R): whoever listens on the window first is asked first.
    window.addEventListener("keydown", this.onKey, true);
    this.onLeave = (event) => { if (this.store.waiting.length) event.preventDefault(); };
    window.addEventListener("beforeunload", this.onLeave);
  }

  stop() {
    window.removeEventListener("keydown", this.onKey, true);
    window.removeEventListener("beforeunload", this.onLeave);
    this.list.stop();
    clearTimeout(this.quiet);
  }

  use(component) {
    const { data, setTriggerValue } = component;
    this.data = data;
    this.words = data.words;
    this.trigger = (name, value) => setTriggerValue(name, value);
    this.drawFrame();
    this.store.use({ paper: data.paper, csrf: data.csrf, words: data.words });
    if (this.store.model) this.refresh();
  }

  get model() {
    return this.store.model;
  }

  drawFrame() {
    this.part("desk").classList.toggle("control", this.data.mode === "control");
    this.part("keys").setAttribute("aria-label", this.words.actions);
    this.part("list").setAttribute("aria-label", this.words.list);
    this.part("loading").textContent = this.words.loading;
    this.drawKeys();
  }

  refresh() {
    if (!this.model) return;
    this.part("loading").hidden = true;
    if (this.pageCursor && !this.model.halves.has(this.pageCursor)) this.pageCursor = null;
    const held = this.root.activeElement?.closest?.("[data-part='list']");
    this.draw();
    this.drawSaved();
    if (held && !this.viewer.open && !this.prompt) this.focusCursor(false);
    if (this.viewer.open) this.viewer.draw();
  }

  drawSaved() {
    const left = this.store.waiting.length;
    const saved = this.part("saved");
    saved.classList.toggle("waiting", left > 0);
    if (left) saved.textContent = several(this.words.waiting, left);
    else saved.textContent = this.store.savedAt ? fill(this.words.saved, { at: this.store.savedAt.toLocaleTimeString("fr-FR") }) : "";
  }

  // --- words of a page

  reasonWords(codes) {
    const known = this.model.words.reasons ?? {};
    return codes.map((code) => known[code] ?? "").filter(Boolean);
  }

  reasonsOf(half) {
    return this.reasonWords(half.reasons);
  }

  placeWord(place) {
    return this.model.words.places?.[place] ?? "";
  }

  // Its place on paper, in the words people have on the bundle.
  sheetName(sheet) {
    const label = this.model.files.get(sheet.file)?.lot;
    const name = sheet.on_paper || fill(this.words.sheet, { n: sheet.sheet });
    const short = label && name.startsWith(`${label}, `) ? name.slice(label.length + 2) : name;
    return short[0].toUpperCase() + short.slice(1);
  }

  nameOf(half) {
    return `${this.sheetName(half.sheet)}, ${half.page || this.words.whole_image}`;
  }

  spoken(half) {
    const level = levelOf(half, this.model);
    const parts = [this.nameOf(half), this.words.levels[level], ...this.reasonsOf(half)];
    if (half.place !== "booklet" && half.place !== "copy") parts.splice(1, 0, this.placeWord(half.place));
    if (half.page_mark) parts.push(fill(this.words.read_mark, { mark: half.page_mark }));
    return parts.filter(Boolean).join(" · ");
  }

  // --- telling and asking

  tell(text, tone = "done") {
    const line = this.part("message");
    line.className = `message ${tone}`;
    line.textContent = text;
    clearTimeout(this.quiet);
    if (tone === "done" && text) this.quiet = setTimeout(() => (line.textContent = ""), 8000);
  }

  // A question stands in a line of the page, with a key for each answer; nothing covers what it is about.
  ask({ sentence, answers = [], field = null, cancelled = null }) {
    const line = this.part("prompt");
    const close = () => {
      this.prompt = null;
      line.hidden = true;
      line.replaceChildren();
    };
    const cancel = () => {
      close();
      cancelled?.();
      this.focusCursor(true);
    };
    line.replaceChildren(element("p", "asked", sentence));
    const keys = { Escape: cancel };
    let input = null;
    if (field) {
      input = element("input");
      input.type = "text";
      input.maxLength = 200;
      input.placeholder = field.placeholder;
      input.setAttribute("aria-label", field.label);
      line.append(input);
    }
    answers.forEach((answer, index) => {
      const act = () => {
        const text = input?.value.trim();
        if (field && !text) return input.focus();
        close();
        this.focusCursor(true);
        return answer.act(text);
      };
      keys[answer.press ?? String(index + 1)] = act;
      line.append(button(answer.label, act, { key: answer.sign ?? answer.press ?? String(index + 1), kind: answer.kind ?? "" }));
    });
    line.append(button(this.words.cancel, cancel, { key: this.words.keys.escape, kind: "quiet" }));
    line.hidden = false;
    this.prompt = { keys, field };
    (input ?? line.querySelector("button")).focus({ preventScroll: true });
  }

  promptKey(event) {
    // A French keyboard sends & é " ' on the digit row: the key's place is read, not its sign.
    const digit = /^(?:Digit|Numpad)([0-9])$/.exec(event.code);
    const name = digit && !this.prompt.field ? digit[1] : event.key;
    if (this.prompt.field && !["Escape", "Enter"].includes(name)) return event.stopImmediatePropagation();
    const act = this.prompt.keys[name];
    if (act) return this.take(event, act);
    if (name === "Tab" || name === "Enter" || name === " ") return undefined;
    return this.take(event, () => undefined);
  }

  // --- keys

  key(event) {
    if (!this.root.isConnected && !this.root.host?.isConnected) return this.stop();
    if (!this.model || event.isComposing) return undefined;
    const focused = event.composedPath()[0];
    const ours = event.composedPath().includes(this.part("desk"));
    if (this.prompt && ours) return this.promptKey(event);
    const typing = TYPING.test(focused.tagName || "") || focused.isContentEditable;
    if (typing) return this.typingKey(event, focused, ours);
    if (event.ctrlKey && !event.altKey && event.key.toLowerCase() === "z") return this.take(event, () => this.undoLast());
    if (event.ctrlKey || event.altKey || event.metaKey) return undefined;
    if (this.viewer.open) {
      if (this.viewer.key(event)) this.take(event, () => undefined);
      else if (!["Tab", "Enter", " "].includes(event.key)) this.act(event);
      return undefined;
    }
    const presses = ["Enter", " "].includes(event.key) && ["BUTTON", "A", "SUMMARY"].includes(focused.tagName);
    if (presses && !focused.dataset?.half && !focused.dataset?.entry) return undefined;
    if (!ours && focused.tagName !== "BODY" && (presses || event.key.startsWith("Arrow"))) return undefined;
    return this.act(event);
  }

  typingKey(event, focused, ours) {
    if (!ours) return;
    event.stopImmediatePropagation();
    if (event.key === "Escape") focused.blur();
  }

  act(event) {
    const name = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    const digit = /^(?:Digit|Numpad)([0-9])$/.exec(event.code);
    const commands = this.commands(event);
    const act = (digit && commands[digit[1]]) || commands[name];
    if (act) this.take(event, act);
  }

  take(event, act) {
    event.preventDefault();
    event.stopImmediatePropagation();
    act();
  }

  // --- what both pages do

  undoLast() {
    // What still waits is the last that was done: it is undone once it is kept.
    const waiting = this.store.waiting.at(-1);
    if (waiting) return waiting.promise.then((result) => result.ok && this.undoLast());
    const last = this.model.repairs.find((repair) => !repair.undone && repair.kind !== "undo");
    if (!last) return this.tell(this.words.nothing_to_undo, "stop");
    return this.undo(last);
  }

  undo(repair) {
    const done = fill(this.words.undone, { what: repair.sentence });
    return this.store.undo(repair.id, done, (result) => {
      if (result.code !== "repair_needs_reopening") return false;
      this.askWhy(result.sentence, (why) => this.store.undo(repair.id, done, null, why));
      return true;
    });
  }

  // A copy that is finalised or published is not touched without a reason, and the line says what follows.
  repair(act, done, touched) {
    const warning = this.warning(touched ?? []);
    const again = (why) => this.store.act({ ...act, why }, done);
    if (warning) return this.askWhy(warning, again);
    return this.store.act(act, done, (result) => {
      if (result.code !== "repair_needs_reopening") return false;
      this.askWhy(result.sentence, again);
      return true;
    });
  }

  warning(touched) {
    const copies = touched.map((half) => half.copy);
    return this.words.reopening[["published", "finalised"].find((status) => copies.includes(status))] ?? "";
  }

  askWhy(sentence, act) {
    this.ask({
      sentence,
      field: { placeholder: this.words.reason_example, label: this.words.reason },
      answers: [{ press: "Enter", sign: this.words.keys.enter, label: this.words.repair_anyway, kind: "main", act }],
    });
  }

  askAside(halves, then) {
    if (!halves.length) return;
    this.ask({
      sentence: [this.warning(halves), several(this.words.ask_aside, halves.length)].filter(Boolean).join(" "),
      answers: this.words.aside_reasons.map((reason) => ({
        label: reason,
        act: () => {
          const act = { kind: "set_aside", halves: halves.map((half) => half.id), why: reason };
          this.store.act(act, several(this.words.done.set_aside, halves.length, { reason }));
          then?.();
        },
      })),
    });
  }

  // A folded sheet lies one way or the other; a single page has four.
  rotate(halves, turn = 90) {
    if (!halves.length) return;
    const images = [...new Set(halves.map((half) => half.image))];
    for (const [folded, degrees] of [[true, 180], [false, turn]]) {
      const some = images.filter((image) => (image.cut !== "whole") === folded);
      const act = { kind: "rotate", images: some.map((image) => image.id), turn: degrees };
      if (some.length) this.repair(act, several(this.words.done.rotate, some.length), halves);
    }
  }

  swap(sheets) {
    for (const sheet of sheets) {
      if (sheet.images.length < 2) this.tell(this.words.one_side, "stop");
      else this.repair({ kind: "swap", sheet: sheet.key }, fill(this.words.done.swap, { sheet: this.sheetName(sheet) }), sheet.halves);
    }
  }

  toggleHelp() {
    const help = this.part("help");
    help.hidden = !help.hidden;
    if (help.hidden || help.childElementCount) return;
    const table = element("dl");
    for (const [keys, what] of this.words.help[this.data.mode]) {
      const term = element("dt");
      for (const key of keys) term.append(element("kbd", "", key));
      table.append(term, element("dd", "", what));
    }
    help.append(table);
  }
}
