// What the marking desk has not sent yet stands here, a list per copy; nothing else of ours does.
const QUEUE = "korrigo:";

function queues() {
  return Object.keys(localStorage).filter((key) => key.startsWith(QUEUE));
}

function waiting() {
  return queues().reduce((sum, key) => {
    try {
      return sum + JSON.parse(localStorage.getItem(key)).length;
    } catch {
      return sum;
    }
  }, 0);
}

async function leave(csrf) {
  try {
    await fetch("/auth/sign-out", { method: "POST", headers: { "X-Korrigo-CSRF": csrf } });
  } finally {
    // What was sent is wiped; what was not is the only copy of somebody's work.
    if (!waiting()) queues().forEach((key) => localStorage.removeItem(key));
    sessionStorage.clear();
    window.location.assign("/");
  }
}

export default function ({ data, parentElement }) {
  // Streamlit's page says it is English: readers and translators of the browser would believe it.
  document.documentElement.lang = "fr";
  // The same for the link that keyboards meet first; no setting words it.
  const skip = document.querySelector('a[href="#stMain"]');
  if (skip) skip.textContent = data.skip;

  const find = (selector) => parentElement.querySelector(selector);
  find(".bar").hidden = !data.csrf;
  const [out, told, stay, anyway] = [".leave", ".waiting", ".stay", ".anyway"].map(find);
  out.textContent = anyway.textContent = data.sign_out;
  stay.textContent = data.stay;
  find("#why").textContent = data.waiting_why;

  const go = () => {
    out.disabled = anyway.disabled = true;
    leave(data.csrf);
  };
  const back = () => {
    told.hidden = true;
    out.focus();
  };
  out.onclick = () => {
    const left = waiting();
    if (!left) return go();
    find("#what").textContent = left === 1 ? data.waiting_one : data.waiting_many.replace("{n}", left);
    told.hidden = false;
    stay.focus();
  };
  stay.onclick = back;
  anyway.onclick = go;
  told.onkeydown = (event) => {
    if (event.key === "Escape") back();
  };
}
