export default function ({ data, parentElement }) {
  // Streamlit's page says it is English: readers and translators of the browser would believe it.
  document.documentElement.lang = "fr";
  // The same for the link that keyboards meet first; no setting words it.
  const skip = document.querySelector('a[href="#stMain"]');
  if (skip) skip.textContent = data.skip;
  parentElement.querySelector(".bar").hidden = !data.csrf;
  const name = parentElement.querySelector(".name");
  name.textContent = data.name;
  name.title = data.name;
  const button = parentElement.querySelector("button");
  button.textContent = data.sign_out;
  button.onclick = async () => {
    button.disabled = true;
    try {
      await fetch("/auth/sign-out", { method: "POST", headers: { "X-Korrigo-CSRF": data.csrf } });
    } finally {
      window.location.assign("/");
    }
  };
}
