// The cookie is HttpOnly, so only an answer of the server can set it: the ticket is posted from here,
// and a fresh page opens a websocket that bears the cookie.
const sent = new Set();

export default function ({ data, parentElement }) {
  const line = parentElement.querySelector("p");
  if (sent.has(data.ticket)) return;
  sent.add(data.ticket);
  line.textContent = data.opening;
  fetch("/auth/exchange", {
    method: "POST",
    headers: { "Content-Type": "application/json", Accept: "application/json" },
    body: JSON.stringify({ ticket: data.ticket }),
  })
    .then((answer) => {
      if (answer.ok) window.location.reload();
      else line.textContent = data.failed;
    })
    .catch(() => {
      line.textContent = data.failed;
    });
}
