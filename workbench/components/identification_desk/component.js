// The identification desk: one header crop beside the ranked candidates.
// The browser holds the whole queue, so that a key never waits for the server:
// a decision is sent at once and the next copy is shown; a refusal brings it back.

const WORDS = {
  automatic: ["✔", "sûr", "done"],
  review: ["◐", "à vérifier", "doubt"],
  none: ["○", "sans proposition", "quiet"],
};
const FIELDS = { surname: "nom", first_name: "prénom", full_name: "nom et prénom", birth_date: "date", class: "classe" };
const KINDS = { not_listed: "Hors liste", illegible: "Illisible", blank: "Copie blanche" };
const COMMANDS = { h: "not_listed", i: "illegible", b: "blank" };
const PREFETCH = 4;

const fold = (text) => text.normalize("NFD").replace(/[\u0300-\u036f]/g, "").replace(/[^a-zA-Z0-9]+/g, " ").toLowerCase();
const frenchDate = (iso) => (iso ? iso.split("-").reverse().join("/") : "");

function element(tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

class Desk {
  constructor(root) {
    this.root = root;
    this.part = (name) => root.querySelector(`[data-part="${name}"]`);
    this.history = [];
    this.at = 0;
    this.onKey = (event) => this.key(event);
    document.addEventListener("keydown", this.onKey);
    this.waiting = 0;
    this.onLeave = (event) => { if (this.waiting) event.preventDefault(); };
    window.addEventListener("beforeunload", this.onLeave);
    this.part("search").addEventListener("input", () => this.drawCandidates());
    this.part("onlyOpen").addEventListener("change", () => this.show(this.at));
    for (const button of root.querySelectorAll("[data-command]")) {
      button.addEventListener("click", () => this.command(button.dataset.command));
    }
  }

  load(data) {
    const fresh = this.paper !== data.paper;
    this.paper = data.paper;
    this.csrf = data.csrf;
    this.tasks = data.tasks;
    this.candidates = data.candidates;
    this.byId = new Map(data.candidates.map((candidate) => [candidate.id, candidate]));
    // What was accepted in one press needs no look: on to the first copy that waits.
    if (fresh) document.activeElement?.blur();
    if (fresh || this.task?.decided) this.at = Math.max(0, this.tasks.findIndex((task) => !task.decided));
    this.show(Math.min(this.at, this.tasks.length - 1));
  }

  get task() {
    return this.tasks[this.at];
  }

  show(index) {
    if (!this.tasks.length) return;
    this.at = index;
    const task = this.task;
    this.part("search").value = "";
    const crop = this.part("crop");
    crop.hidden = true;
    crop.onload = () => (crop.hidden = false);
    if (task.has_header) crop.src = `/files/headers/${task.id}.jpg`;
    else crop.removeAttribute("src");
    this.part("noHeader").hidden = task.has_header;
    this.part("page").hidden = true;
    this.part("where").textContent = `${task.file}, image ${task.first_image + 1} · ${task.pages} pages`;
    this.part("readAs").textContent = this.readAs(task);
    this.drawProgress();
    this.drawCandidates();
    for (const next of this.tasks.slice(index + 1, index + 1 + PREFETCH)) {
      if (next.has_header) new Image().src = `/files/headers/${next.id}.jpg`;
    }
  }

  readAs(task) {
    const read = task.ranked.length ? task.ranked[0].read_as : {};
    const words = Object.entries(read).filter(([, text]) => text).map(([field, text]) => `${FIELDS[field] || field} « ${text} »`);
    return words.length ? `Lu : ${words.join(", ")}` : "";
  }

  drawProgress() {
    // Only what the server has kept counts as done.
    const done = this.tasks.filter((task) => task.decided && task.decided.id).length;
    this.part("bar").max = this.tasks.length;
    this.part("bar").value = done;
    this.part("count").textContent = `${done} / ${this.tasks.length} identifiées`;
    this.part("waiting").textContent = this.waiting ? `${this.waiting} en attente` : "";
    this.part("rank").textContent = `Copie ${this.at + 1} sur ${this.tasks.length}`;
    const [sign, word, tone] = WORDS[this.task.proposal] || WORDS.none;
    const state = this.part("state");
    state.className = `state ${this.task.decided ? "done" : tone}`;
    const why = this.task.why ? ` : ${this.task.why}` : "";
    state.textContent = this.task.decided ? `✔ ${this.decidedAs(this.task.decided)}` : `${sign} ${word}${why}`;
  }

  decidedAs(decided) {
    if (decided.kind !== "candidate") return KINDS[decided.kind];
    const candidate = this.byId.get(decided.candidate_id);
    return candidate ? candidate.label : "";
  }

  choices() {
    const wanted = fold(this.part("search").value.trim());
    if (wanted) {
      return this.candidates
        .filter((candidate) => wanted.split(" ").every((word) => fold(`${candidate.label} ${candidate.class_name}`).includes(word)))
        .slice(0, 8)
        .map((candidate) => ({ candidate }));
    }
    return this.task.ranked
      .filter((ranked) => ranked.candidate_id !== null && this.byId.has(ranked.candidate_id))
      .slice(0, 8)
      .map((ranked) => ({ candidate: this.byId.get(ranked.candidate_id), ranked }));
  }

  drawCandidates() {
    const list = this.part("candidates");
    list.replaceChildren();
    const searching = this.part("search").value.trim() !== "";
    const stranger = !searching && this.task.ranked.length && this.task.ranked[0].candidate_id === null;
    this.part("hint").textContent = stranger
      ? "Aucun candidat de la liste ne correspond bien : vérifiez, cherchez (/) ou choisissez H, hors liste."
      : searching && !this.choices().length ? "Aucun candidat ne correspond à cette recherche." : "";
    this.choices().forEach((choice, index) => list.append(this.drawCandidate(choice, index, stranger)));
  }

  drawCandidate({ candidate, ranked }, index, stranger) {
    const row = element("button", "candidate");
    row.type = "button";
    row.dataset.candidate = candidate.id;
    if (index === 0 && !stranger) row.classList.add("first");
    row.append(element("kbd", "", String(index + 1)));
    const text = element("span", "text");
    const line = element("span", "line");
    line.append(element("strong", "", candidate.label), element("span", "date", frenchDate(candidate.birth_date)));
    text.append(line);
    const facts = [candidate.class_name];
    if (ranked && ranked.matched.length) facts.push(`✔ ${ranked.matched.map((field) => FIELDS[field] || field).join(", ")}`);
    if (candidate.homonym) facts.push("⚠ homonyme : vérifiez la date");
    if (candidate.presence === "absent") facts.push("noté absent");
    const others = candidate.booklets.filter((id) => id !== this.task.id).length;
    if (others) facts.push(others === 1 ? "a déjà 1 feuille" : `a déjà ${others} feuilles`);
    text.append(element("span", "facts", facts.filter(Boolean).join(" · ")));
    row.append(text);
    if (ranked) row.append(element("span", "probability", this.likely(ranked.probability)));
    row.addEventListener("click", () => this.decide("candidate", candidate.id));
    return row;
  }

  likely(probability) {
    const percent = probability * 100;
    if (percent >= 99.5) return "> 99 %";
    return percent < 1 ? "< 1 %" : `${Math.round(percent)} %`;
  }

  async decide(kind, candidateId = null) {
    const task = this.task;
    const before = task.decided;
    this.setDecision(task, { kind, candidate_id: candidateId, id: null });
    this.history.push(task.id);
    this.advance();
    await this.send(task, before, `/identification/${task.id}`, {
      kind,
      candidate_id: candidateId,
      expected_decision_id: before ? before.id : null,
    });
  }

  async undo() {
    const id = this.task.decided ? this.task.id : this.history.pop();
    const index = this.tasks.findIndex((task) => task.id === id);
    if (index < 0) return;
    const task = this.tasks[index];
    const before = task.decided;
    if (!before) return;
    this.setDecision(task, null);
    this.show(index);
    await this.send(task, before, `/identification/${task.id}/undo`, {});
  }

  // Decisions leave one after the other, so that each sees the state the one before it made.
  send(task, before, url, body) {
    this.waiting += 1;
    this.drawProgress();
    const run = async () => {
      // The id of the decision to be replaced may have come while this one waited its turn.
      if (before && "expected_decision_id" in body) body.expected_decision_id = before.id;
      try {
        const answer = await fetch(url, {
          method: "POST",
          keepalive: true,
          headers: { "Content-Type": "application/json", "X-Korrigo-CSRF": this.csrf },
          body: JSON.stringify(body),
        });
        const result = await answer.json();
        if (!answer.ok) throw new Error(result.error?.sentence || "Le serveur a refusé cette décision.");
        if (task.decided && result.decision_id) task.decided.id = result.decision_id;
        this.waiting -= 1;
        const all = !this.waiting && this.tasks.every((other) => other.decided);
        this.tell(all ? "Toutes les copies sont identifiées." : "", "done");
        this.drawProgress();
      } catch (error) {
        this.waiting -= 1;
        this.setDecision(task, before);
        this.show(this.tasks.indexOf(task));
        this.tell(error instanceof TypeError ? "Le serveur ne répond pas : la décision n'est pas enregistrée." : error.message);
      }
    };
    this.queue = (this.queue || Promise.resolve()).then(run);
    return this.queue;
  }

  setDecision(task, decided) {
    if (task.decided && task.decided.candidate_id) {
      const held = this.byId.get(task.decided.candidate_id);
      if (held) held.booklets = held.booklets.filter((id) => id !== task.id);
    }
    task.decided = decided;
    if (decided && decided.candidate_id) this.byId.get(decided.candidate_id).booklets.push(task.id);
    this.drawProgress();
  }

  tell(message, tone = "stop") {
    this.part("message").className = `message ${tone}`;
    this.part("message").textContent = message;
  }

  advance() {
    const open = (task) => !task.decided;
    const after = this.tasks.findIndex((task, index) => index > this.at && (open(task) || !this.onlyOpen));
    const again = this.tasks.findIndex(open);
    if (after >= 0) this.show(after);
    else if (again >= 0) this.show(again);
    else this.show(this.at);
  }

  get onlyOpen() {
    return this.part("onlyOpen").checked;
  }

  step(direction) {
    const next = this.at + direction;
    if (next >= 0 && next < this.tasks.length) this.show(next);
  }

  // Several sheets of one pupil follow each other: the same pupil as the sheet before.
  same() {
    const before = this.tasks[this.at - 1];
    if (before && before.decided && before.decided.kind === "candidate") this.decide("candidate", before.decided.candidate_id);
    else this.tell("La feuille précédente n'a pas encore d'élève.");
  }

  wholePage() {
    const page = this.part("page");
    if (page.hidden) page.src = `/files/booklets/${this.task.id}/pages/1.jpg`;
    page.hidden = !page.hidden;
  }

  confirm() {
    const first = this.choices()[0];
    const stranger = this.task.ranked.length && this.task.ranked[0].candidate_id === null;
    if (first && (!stranger || this.part("search").value.trim())) this.decide("candidate", first.candidate.id);
  }

  command(name) {
    if (name in COMMANDS) this.decide(COMMANDS[name]);
    else if (name === "m") this.same();
    else if (name === "s") this.step(1);
    else if (name === "u") this.undo();
    else if (name === "z") this.wholePage();
    else if (name === "previous") this.step(-1);
    else if (name === "enter") this.confirm();
    else if (name === "search") this.part("search").focus();
  }

  key(event) {
    if (!this.root.host?.isConnected && !this.root.isConnected) return document.removeEventListener("keydown", this.onKey);
    if (!this.tasks || !this.tasks.length) return undefined;
    const focused = event.composedPath()[0];
    const searching = focused === this.part("search");
    if (event.ctrlKey && event.key.toLowerCase() === "z") return this.take(event, () => this.undo());
    if (event.ctrlKey || event.altKey || event.metaKey) return undefined;
    if (searching) return this.searchKey(event);
    if (/^(INPUT|TEXTAREA|SELECT)$/.test(focused.tagName || "") || focused.isContentEditable) return undefined;
    if (event.key === "Enter" && focused.tagName === "BUTTON") return undefined;
    // A French keyboard sends & é " ' on the digit row: the key's place is read, not its sign.
    const digit = /^(?:Digit|Numpad)([1-8])$/.exec(event.code);
    const letter = event.key.toLowerCase();
    if (digit) return this.take(event, () => this.choose(Number(digit[1]) - 1));
    if (event.key === "Enter") return this.take(event, () => this.confirm());
    if (event.key === "ArrowRight" || event.key === "ArrowDown") return this.take(event, () => this.step(1));
    if (event.key === "ArrowLeft" || event.key === "ArrowUp") return this.take(event, () => this.step(-1));
    if (event.key === "/") return this.take(event, () => this.part("search").focus());
    if (["m", "h", "i", "b", "s", "z"].includes(letter)) return this.take(event, () => this.command(letter));
    return undefined;
  }

  searchKey(event) {
    if (event.key === "Enter") return this.take(event, () => this.blurAnd(() => this.confirm()));
    if (event.key === "Escape") return this.take(event, () => this.blurAnd(() => this.show(this.at)));
    return event.stopPropagation();
  }

  blurAnd(act) {
    this.part("search").blur();
    act();
  }

  choose(index) {
    const choice = this.choices()[index];
    if (choice) this.decide("candidate", choice.candidate.id);
  }

  take(event, act) {
    event.preventDefault();
    event.stopPropagation();
    act();
  }
}

export default function (component) {
  const { parentElement, data } = component;
  if (!parentElement.desk) parentElement.desk = new Desk(parentElement);
  parentElement.desk.load(data);
  return () => {
    document.removeEventListener("keydown", parentElement.desk.onKey);
    window.removeEventListener("beforeunload", parentElement.desk.onLeave);
    parentElement.desk = null;
  };
}
